/** docs/persisted-operations.md: its manifests, its requests, and their responses. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { openFrontDoor } from '../support/front-door.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { snippets } from './pages.ts'

const page = 'docs/persisted-operations.md'
const folder = scratchFolder()
const run = promisify(execFile)

test('the manifests of the page are read, and its requests have the responses that it shows', async () => {
  const ofHeading = (heading: string, language: string) =>
    snippets(page, language).filter((snippet) => snippet.heading === heading)
  const manifests = ofHeading('A manifest', 'json').map(({ text }, index) => {
    const path = join(folder, `${index}.json`)
    writeFileSync(path, text)
    return path
  })
  const door = await openFrontDoor({
    sdl: 'type Query { name: String echo(text: String): String }',
    resolvers: { Query: { echo: (_: unknown, { text }: { text: string }) => text } },
    gateways: { known: `operations: { accept: ids, manifests: ${JSON.stringify(manifests)} }` },
  })
  try {
    const requests = ofHeading('Requests', 'sh')
    const responses = ofHeading('Requests', 'json')
    expect(requests.length).toBe(2)
    for (const [index, { text }] of requests.entries()) {
      const command = text.replace('localhost:4000', new URL(door.gateway('known').url).host)
      const { stdout } = await run('sh', ['-c', command])
      expect(JSON.parse(stdout)).toEqual(JSON.parse(responses[index]!.text))
    }
    expect(manifests.length).toBe(2)
  } finally {
    await door.close()
  }
})
