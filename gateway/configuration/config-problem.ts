/** What is wrong with a configuration file, in sentences for the operator. */
import { isMap, isNode } from 'yaml'
import type { Document, LineCounter } from 'yaml'
import type { z } from 'zod'

/** One problem of a configuration file. It never contains a value from outside the file. */
export interface ConfigProblem {
  /** Where: `authentication.issuers[0].algorithms`; empty for the complete file. */
  readonly path: string
  readonly line?: number
  readonly message: string
}

/** Returns the problem on one line: line number, path, and what is expected. */
export function describeProblem({ path, line, message }: ConfigProblem): string {
  const place = [line ? `line ${line}` : '', path].filter(Boolean).join(', ')
  return place ? `${place}: ${message}` : message
}

/** Returns the problem at that path of the document, with its line. */
export function problemAt(
  path: readonly PropertyKey[],
  message: string,
  { document, lines }: { document: Document; lines: LineCounter },
): ConfigProblem {
  const line = lineOf(document, path, lines)
  return { path: pathText(path), ...(line ? { line } : {}), message }
}

/** Returns the problems without those at the path of an earlier one, which follow from it. */
export function firstOfEachPath(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ path, message }) => {
    const key = path || message
    return seen.has(key) ? false : Boolean(seen.add(key))
  })
}

type Issue = z.core.$ZodIssue

/** Where to write what other gateways have elsewhere. */
const places: Readonly<Record<string, string>> = {
  headers:
    'rules for headers are in subgraphs.all.headers, and in subgraphs.NAME.headers for one subgraph',
}

/**
 * Yields path and sentence of everything that an issue is about: of unknown keys each by itself, of a
 * value that fits no alternative the faults of the closest one.
 */
export function* sentencesOf(issue: Issue): Generator<[PropertyKey[], string]> {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const place = places[[...issue.path, key].join('.')]
      yield [[...issue.path, key], `is not a known key${place ? `: ${place}` : ''}`]
    }
    return
  }
  if (issue.code === 'invalid_union' && issue.message !== 'Invalid input') {
    yield [issue.path, issue.message]
    return
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [closest] = issue.errors.toSorted((a, b) => rank(a) - rank(b))
    for (const inner of closest!) {
      yield* sentencesOf({ ...inner, path: [...issue.path, ...inner.path] } as Issue)
    }
    return
  }
  if (issue.code === 'invalid_key') {
    yield [issue.path, issue.issues[0]?.message ?? issue.message]
    return
  }
  const missing = issue.code === 'invalid_type' && /received undefined$/.test(issue.message)
  yield [issue.path, missing ? 'is missing' : issue.message]
}

/** The alternative with the fewest faults, and those deepest down, is the one that was meant. */
function rank(issues: readonly { path: readonly PropertyKey[]; code?: string }[]): number {
  return issues.length * 10 - Math.max(...issues.map(({ path }) => path.length))
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === 'number'
        ? `${text}[${step}]`
        : text
          ? `${text}.${String(step)}`
          : String(step),
    '',
  )
}

/** The line of a value, or of the nearest thing around it that the file has. */
function lineOf(document: Document, path: readonly PropertyKey[], lines: LineCounter) {
  for (let length = path.length; length > 0; length--) {
    const steps = path.slice(0, length)
    const parent = document.getIn(steps.slice(0, -1), true)
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => String(key) === String(steps.at(-1)))
      : undefined
    const node = pair?.key ?? document.getIn(steps, true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return undefined
}
