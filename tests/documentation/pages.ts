/** The pages of the documentation, and what is on them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** Every Markdown page of the documentation. */
export const pages: readonly string[] = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'subgraphs/kit/README.md'],
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

/** Returns the anchors of a page, as GitHub makes them of the headings. */
export function anchors(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

export interface Snippet {
  readonly page: string
  readonly line: number
  /** The heading above it, without its marks. */
  readonly heading: string
  readonly text: string
}

/** Returns the code blocks of a page in that language, in their order. */
export function snippets(page: string, language: string): Snippet[] {
  const text = readFileSync(page, 'utf8')
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))
  return [...blocks].map(({ index, 1: code }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    heading: [...text.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '',
    text: code!,
  }))
}

/** Returns the YAML snippets of all pages that are a gateway.yaml or a part of one. */
export function gatewayConfigs(): (Snippet & { content: Record<string, unknown> })[] {
  return pages
    .flatMap((page) => snippets(page, 'yaml'))
    .map((snippet) => ({ ...snippet, content: parse(snippet.text) as Record<string, unknown> }))
    .filter(({ content }) => !isSupergraphConfig(content))
}

/** An entry of supergraph.yaml: each subgraph has its URL. */
function isSupergraphConfig(content: Record<string, unknown>): boolean {
  return Object.values(content).every((entry) => Object(entry).routing_url !== undefined)
}

export interface Row {
  /** The heading above the table, without its marks. */
  readonly heading: string
  readonly cells: readonly string[]
}

/** Returns the rows of all tables on a page, without the rows of the headings. */
export function tableRows(page: string): Row[] {
  const rows: Row[] = []
  let heading = ''
  let isBody = false
  for (const line of readFileSync(page, 'utf8').split('\n')) {
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    if (!line.startsWith('|')) isBody = false
    else if (/^\|[ |:-]+\|$/.test(line)) isBody = true
    else if (isBody) rows.push({ heading, cells: cellsOf(line) })
  }
  return rows
}

/** A `|` within a cell is written `\|`. */
function cellsOf(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}
