/** A YAML file that keeps the lines of its values. */
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Scalar } from 'yaml'

type Path = readonly PropertyKey[]

export interface YamlFault {
  readonly message: string
  readonly line: number
  readonly column: number
}

export interface YamlFile {
  readonly content: unknown
  readonly faults: readonly YamlFault[]
  /** The line of a key, or of its nearest parent in the file. */
  lineOf(path: Path): number | undefined
  /** The line on which a multi-line text begins, if its lines are lines of the file. */
  firstLineOfText(path: Path): number | undefined
}

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const faults = document.errors.map(({ code, message, pos }) => {
    const { line, col } = lines.linePos(pos[0])
    return { message: plainMessage(code, message, text, pos), line, column: col }
  })
  return {
    content: faults.length > 0 ? undefined : document.toJS(),
    faults,
    lineOf: (path) => lineOf(document, path, lines),
    firstLineOfText(path) {
      const node = document.getIn(path, true)
      if (!isScalar(node) || !isBlockText(node) || !node.range) return undefined
      return lines.linePos(node.range[0]).line + 1
    },
  }
}

function plainMessage(code: string, message: string, text: string, pos: [number, number]): string {
  if (code !== 'DUPLICATE_KEY') return message.split('\n')[0]!
  const key = /^[^:\s]*/.exec(text.slice(pos[0]))![0]
  return `the key ${JSON.stringify(key)} is there twice`
}

function lineOf(document: Document, path: Path, lines: LineCounter): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const start = startOf(document, path.slice(0, length))
    if (start !== undefined) return lines.linePos(start).line
  }
  return undefined
}

function startOf(document: Document, path: Path): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true)
  const last = path.at(-1)
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isPair(item) && String(item.key) === String(last))
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined
  }
  const entry = isSeq(parent) ? parent.items[Number(last)] : undefined
  return isNode(entry) ? entry.range?.[0] : undefined
}

function isBlockText(node: Scalar): boolean {
  return node.type === 'BLOCK_LITERAL'
}
