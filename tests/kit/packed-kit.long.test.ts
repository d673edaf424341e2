/** The snippets of README and of the kit's README, in another repository that has installed the packed kit. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '../support/free-port.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { repository, runScript, startProcess } from '../scripts/support/run-script.ts'
import type { ScriptRun } from '../scripts/support/run-script.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const folder = scratchFolder()
const foreign = join(folder, 'reviews')
const claimsKey = Buffer.from(
  deriveClaimsKey('a gateway secret that only this test knows', 'reviews'),
).toString('base64url')
const started: ScriptRun[] = []
let port: number

const readme = readFileSync(join(repository, 'README.md'), 'utf8')
const kitReadme = readFileSync(join(repository, 'subgraphs/kit/README.md'), 'utf8')

/** The code blocks of that language, in order. */
function blocks(text: string, language: string): string[] {
  const found = text.matchAll(new RegExp(`\n\`\`\`${language}\n([^]*?)\n\`\`\``, 'g'))
  return [...found].map(([, code]) => code!)
}

const addASubgraph = readme.slice(readme.indexOf('## Add a subgraph'))
const snippets: Readonly<Record<string, string>> = Object.fromEntries([
  ...blocks(readme, 'ts').map((code, index) => [`readme-${index}`, code] as const),
  ...blocks(kitReadme, 'ts').map((code, index) => [`kit-${index}`, code] as const),
])
const named = (words: string) =>
  Object.keys(snippets).filter((name) => snippets[name]!.includes(words))
const servers = [...named('await serveSubgraph('), ...named('subgraphHandler(server')]
const [client] = named('await fetch(')

beforeAll(async () => {
  port = await freePort()
  const modules = join(foreign, 'node_modules')
  const kit = join(modules, '@portcullis/kit')
  mkdirSync(kit, { recursive: true })
  await run('tar', ['-xzf', await packedKit(), '-C', kit, '--strip-components=1'])
  for (const name of ['@apollo/server', '@apollo/subgraph', 'express', 'graphql', 'jose', 'pino']) {
    install(name, modules)
  }
  install('@types', modules)
  writeFileSync(join(foreign, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(foreign, 'schema.graphql'), blocks(addASubgraph, 'graphql')[0]!)
  for (const [name, code] of Object.entries(snippets)) {
    writeFileSync(join(foreign, `${name}.ts`), code.replaceAll('4003', String(port)))
  }
})

afterAll(async () => {
  for (const { process } of started) process.kill('SIGTERM')
  for (const { ended } of started) await ended
})

function install(name: string, modules: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true })
  symlinkSync(join(repository, 'node_modules', name), join(modules, name))
}

async function compile(words: readonly string[], cwd: string): Promise<void> {
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [compiler, ...words], { cwd }).catch(({ stdout }) => {
    throw new Error(stdout)
  })
}

/** As `npm pack` makes it in subgraphs/kit. */
async function packedKit(): Promise<string> {
  const source = join(folder, 'source')
  const kit = join(source, 'subgraphs/kit')
  cpSync(join(repository, 'subgraphs/kit'), kit, {
    recursive: true,
    filter: (path) => basename(path) !== 'dist',
  })
  cpSync(join(repository, 'tsconfig.json'), join(source, 'tsconfig.json'))
  symlinkSync(join(repository, 'node_modules'), join(source, 'node_modules'))
  await compile(['-p', 'tsconfig.json'], kit)
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await run('npm', pack, { cwd: kit })
  return join(folder, stdout.trim())
}

test('every TypeScript snippet compiles in another repository, strictly', async () => {
  expect(servers).toHaveLength(4)
  expect(Object.keys(snippets)).toHaveLength(6)
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck']
  const modules = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node']
  const files = Object.keys(snippets).map((name) => `${name}.ts`)
  await compile([...strict, ...modules, ...files], foreign)
})

test.each(servers)('the subgraph of %s responds only to its gateway', async (name) => {
  const server = startProcess([`${name}.js`], foreign, { CLAIMS_KEY: claimsKey })
  started.push(server)
  const url = `http://127.0.0.1:${port}/graphql`
  const body = '{"query":"{ __typename }"}'
  const ask = () =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const stranger = await until(() => ask().catch(() => undefined))
  expect(stranger.status).toBe(401)

  const ofGateway = startProcess([`${client}.js`], foreign, { CLAIMS_KEY: claimsKey })
  expect(await ofGateway.ended).toBe(0)
  expect(ofGateway.stdout).toBe('200 {"data":{"__typename":"Query"}}\n\n')

  server.process.kill('SIGKILL')
  await server.ended
})

test.each(servers)('without its key, or with another text, %s says what to do', async (name) => {
  for (const [key, complaint] of [
    [{}, 'the claims key of reviews is missing: set CLAIMS_KEY to what'],
    [{ CLAIMS_KEY: '' }, 'the claims key of reviews is missing: set CLAIMS_KEY to what'],
    [{ CLAIMS_KEY: '> npm run' }, 'the claims key of reviews is not 32 bytes as base64url'],
    [{ CLAIMS_KEY: `${claimsKey},` }, 'the claims key of reviews is not 32 bytes as base64url'],
  ] as const) {
    const server = startProcess([`${name}.js`], foreign, key)
    expect(await server.ended).toBe(1)
    expect(server.stderr).toContain(complaint)
    expect(server.stderr).toContain('`portcullis keys claims-key reviews` prints')
    expect(server.stderr).not.toContain(claimsKey)
  }
})

test('the lines for supergraph.yaml compose with the schema beside them', async () => {
  const project = join(folder, 'project')
  mkdirSync(project)
  const [lines] = blocks(addASubgraph, 'yaml')
  writeFileSync(join(project, 'supergraph.yaml'), `subgraphs:\n${lines!.replaceAll(/^/gm, '  ')}\n`)
  const { exitCode, stdout, stderr } = await runScript('compose', [], {}, project)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toBe('supergraph.graphql is composed of 1 subgraph: reviews\n')
})
