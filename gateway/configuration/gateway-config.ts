/** The gateway's configuration: one file, checked at start against one schema. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isMap, isNode, LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { authenticationSchema } from './authentication.ts'
import { authorizationSchema } from './authorization.ts'
import { claimsSchema } from './claims.ts'
import { checkGivenKeys } from './given-keys.ts'
import { httpSchema } from './http.ts'
import { limitsSchema } from './limits.ts'
import { metricsSchema } from './metrics.ts'
import { subgraphsSchema } from './subgraphs.ts'
import { substitute } from './substitute.ts'
import { wholeNumber } from './values.ts'

type Environment = Readonly<Record<string, string | undefined>>

export const configSchema = z.strictObject({
  authentication: authenticationSchema,
  claims: claimsSchema,
  authorization: authorizationSchema,
  subgraphs: subgraphsSchema,
  http: httpSchema,
  limits: limitsSchema,
  metrics: metricsSchema,
  engine: z
    .enum(['native', 'apollo'])
    .default('native')
    .describe('What executes: our own engine, or that of @apollo/gateway'),
  workers: z
    .union(
      [z.literal('auto'), wholeNumber({ least: 1, most: 256 })],
      'expected auto, or a whole number from 1 to 256',
    )
    .default(1)
    .describe('How many processes serve; auto: one a core'),
})

export type GatewayConfig = z.output<typeof configSchema>

/** One thing wrong with a configuration file. It never holds a value from outside the file. */
export interface ConfigProblem {
  /** Where: `authentication.issuers[0].algorithms`; empty for the whole file. */
  readonly path: string
  readonly line?: number
  readonly message: string
}

export type ConfigReading =
  | { readonly outcome: 'valid'; readonly config: GatewayConfig }
  | { readonly outcome: 'invalid'; readonly problems: readonly ConfigProblem[] }

/** Returns the configuration in that file; a StartFailure lists everything that is wrong with it. */
export function readConfig(path: string, environment: Environment): GatewayConfig {
  const reading = checkConfig(path, environment)
  if (reading.outcome === 'valid') return reading.config
  const list = reading.problems.map((problem) => `\n  - ${describeProblem(problem)}`).join('')
  throw new StartFailure(`the configuration ${path} cannot be used:${list}`)
}

/** Returns the configuration, or all that is wrong with it. An unreadable file is a StartFailure. */
export function checkConfig(path: string, environment: Environment): ConfigReading {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines })
  const syntax = document.errors.map(({ message, pos }) => ({
    path: '',
    line: lines.linePos(pos[0]).line,
    message: message.split('\n')[0]!,
  }))
  if (syntax.length > 0) return { outcome: 'invalid', problems: syntax }

  const problems: ConfigProblem[] = []
  const problem = (where: readonly PropertyKey[], message: string) => {
    const line = lineOf(document, where, lines)
    problems.push({ path: pathText(where), ...(line ? { line } : {}), message })
  }
  const directory = dirname(resolve(path))
  const content = substitute(document.toJS() ?? {}, { environment, directory, problem })
  const parsed = configSchema.safeParse(content, { reportInput: false })
  if (parsed.success) {
    const config = withAbsolutePaths(parsed.data, directory)
    checkGivenKeys(config.authentication.issuers, problem)
    if (problems.length === 0) return { outcome: 'valid', config }
  }
  for (const issue of parsed.error?.issues ?? []) {
    for (const [where, message] of sentences(issue)) problem(where, message)
  }
  return { outcome: 'invalid', problems: firstOfEachPath(problems) }
}

/** Returns the problem on one line: line number, path, and what is expected. */
export function describeProblem({ path, line, message }: ConfigProblem): string {
  const place = [line ? `line ${line}` : '', path].filter(Boolean).join(', ')
  return place ? `${place}: ${message}` : message
}

/** Returns the JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
  return { title: 'Portcullis gateway configuration', ...(admitPlaceholders(schema) as object) }
}

/** Where a value of a certain form is expected, the file may have `${env.NAME}` instead. */
function admitPlaceholders(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(admitPlaceholders)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === 'default' || name === 'enum' ? value : admitPlaceholders(value),
    ]),
  )
  const { description, default: fallback, ...rule } = inner
  const isValue = ['string', 'number', 'integer', 'boolean'].includes(inner.type as string)
  if (!isValue || (rule.type === 'string' && Object.keys(rule).length === 1)) return inner
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [rule, { type: 'string', pattern: '\\$\\{(env|file)\\.[^}]+\\}' }],
  }
}

function readText(path: string): string {
  const bytes = readBytes(path)
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new StartFailure(`the configuration ${path} is not UTF-8: save it in that encoding`)
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    throw new StartFailure(
      `the configuration ${path} cannot be read (${code}): name a file with --config`,
      { cause },
    )
  }
}

/** Files named in the configuration are found from where it lies. */
function withAbsolutePaths(config: GatewayConfig, directory: string): GatewayConfig {
  for (const issuer of config.authentication.issuers) {
    if (issuer.keys.kind !== 'file') continue
    issuer.keys = { kind: 'file', path: resolve(directory, issuer.keys.path) }
  }
  const { policies } = config.authorization
  if (policies && 'file' in policies) policies.file = resolve(directory, policies.file)
  return config
}

type Issue = z.core.$ZodIssue

/** Each unknown key by itself; a value that fits no alternative told by the closest one. */
function* sentences(issue: Issue): Generator<[PropertyKey[], string]> {
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) yield [[...issue.path, key], 'is not a known key']
    return
  }
  if (issue.code === 'invalid_union' && issue.message !== 'Invalid input') {
    yield [issue.path, issue.message]
    return
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [closest] = issue.errors.toSorted((a, b) => rank(a) - rank(b))
    for (const inner of closest!) {
      yield* sentences({ ...inner, path: [...issue.path, ...inner.path] } as Issue)
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

function firstOfEachPath(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ path, message }) => {
    const key = path || message
    return seen.has(key) ? false : Boolean(seen.add(key))
  })
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
