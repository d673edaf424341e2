/** What the pages of the documentation refer to exists: pages, headings, files and commands. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { anchors, pages } from './pages.ts'

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>
}

/** Returns the first group of every match on a page. */
function found(page: string, pattern: RegExp): string[] {
  return [...readFileSync(page, 'utf8').matchAll(pattern)].map(([, part]) => part!)
}

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  const links = found(page, /\]\(([^)\s]+)\)/g).filter((link) => !/^https?:/.test(link))
  const broken = links.filter((link) => {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? page : join(dirname(page), file)
    if (!existsSync(target)) return true
    return anchor !== undefined && !anchors(target).includes(anchor)
  })
  expect(broken).toEqual([])
})

test.each(pages)('the files of the code that %s names exist', (page) => {
  const files = found(page, /`((?:gateway|subgraphs|scripts|tests)\/[\w./-]+\.\w+)`/g)
  expect(files.filter((file) => !existsSync(file))).toEqual([])
})

test.each(pages)('the commands of %s are scripts of the package', (page) => {
  const commands = found(page, /npm run (?:--silent )?([\w:-]+)/g)
  const foreign = page.startsWith('subgraphs/kit')
  expect(commands.filter((command) => !foreign && scripts[command] === undefined)).toEqual([])
})

test('README lists every page', () => {
  const listed = found('README.md', /\]\(([^)\s#]+\.md)\)/g)
  expect(pages.filter((page) => page !== 'README.md' && !listed.includes(page))).toEqual([])
})
