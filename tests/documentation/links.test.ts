/** Every link from one page of the documentation to another leads somewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { pages } from './pages.ts'

/** The picture that `npm run bench -- gateway` writes. */
const written = ['docs/pictures/benchmark.svg']

/** Returns the anchors of a page, as GitHub makes them of the headings. */
function anchors(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  const links = readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)
  const broken = [...links]
    .map(([, link]) => link!)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? page : join(dirname(page), file)
      if (written.includes(target)) return false
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchors(target).includes(anchor)
    })
  expect(broken).toEqual([])
})
