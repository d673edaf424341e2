import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from '@swc/core'

/** The text of each source file, by its path from the root of the repository. */
export type Sources = ReadonlyMap<string, string>

export interface Import {
  /** Both are paths from the root of the repository. */
  readonly from: string
  readonly to: string
}

/** An import of something that is installed, or part of Node. */
export interface PackageImport {
  readonly from: string
  readonly name: string
}

export function readSources(root: string, folders: readonly string[]): Sources {
  const sources = new Map<string, string>()
  for (const folder of folders) {
    for (const path of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const file = posix.join(folder, path.replaceAll('\\', '/'))
      if (!/\.tsx?$/.test(file) || /\/(node_modules|dist)\//.test(file)) continue
      sources.set(file, readFileSync(join(root, file), 'utf8'))
    }
  }
  return sources
}

/** Returns what the files import of each other; imports of types count like any other. */
export function importsOf(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) =>
    specifiers(text, from)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({ from, to: posix.join(posix.dirname(from), specifier) })),
  )
}

export function packageImportsOf(sources: Sources): PackageImport[] {
  return [...sources].flatMap(([from, text]) =>
    specifiers(text, from)
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map((specifier) => ({ from, name: packageName(specifier) })),
  )
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** What each text imports: it is asked several times, and reading it takes its time. */
const read = new Map<string, readonly string[]>()

/** Everything that is imported or re-exported, by name, dynamically, or as a type. */
function specifiers(text: string, file: string): readonly string[] {
  const known = read.get(text)
  if (known) return known
  const found: string[] = []
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk)
    if (typeof node !== 'object' || node === null) return
    const specifier = specifierOf(node as Node)
    if (specifier !== undefined) found.push(specifier)
    Object.values(node).forEach(walk)
  }
  walk(parseSync(text, { syntax: 'typescript', tsx: file.endsWith('x'), target: 'es2022' }).body)
  read.set(text, found)
  return found
}

interface Node {
  type?: string
  source?: { value: string } | null
  callee?: { type: string }
  arguments?: { expression: { type: string; value?: unknown } }[]
  argument?: { value: string }
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.source?.value
    case 'TsImportType':
      return node.argument?.value
    case 'CallExpression': {
      const value = node.callee?.type === 'Import' && node.arguments?.[0]?.expression.value
      return typeof value === 'string' ? value : undefined
    }
  }
  return undefined
}
