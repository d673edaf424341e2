/** Reads supergraph.yaml, in the format of rover: the subgraphs, and where their schemas are. */
import { dirname, resolve } from 'node:path'
import { substitute } from '../../gateway/configuration/substitute.ts'
import type { Hint, Place, Problem } from './problem.ts'
import { readYaml } from './yaml-file.ts'
import type { YamlFile } from './yaml-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface SubgraphConfig {
  readonly name: string
  /** Where the gateway sends operations. */
  readonly routingUrl: string
  readonly schema: SchemaSource
  /** The place in supergraph.yaml that gives its schema. */
  readonly place: Place
}

export type SchemaSource =
  | { readonly from: 'file'; readonly path: string }
  | {
      readonly from: 'subgraph'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
    }
  /** Where the text begins in the file, if its lines are lines of the file. */
  | { readonly from: 'text'; readonly sdl: string; readonly firstLine: number | undefined }

export interface ConfigReading {
  /** The valid subgraphs; complete if there are no problems. */
  readonly subgraphs: readonly SubgraphConfig[]
  readonly problems: readonly Problem[]
  readonly hints: readonly Hint[]
}

export interface ReadConfigOptions {
  /** The variables for `${env.NAME}`. */
  environment: Environment
  /** The installed release of @apollo/composition. */
  federationVersion: string
}

/** Returns the subgraphs in a text, and all problems with it. */
export function readSupergraphConfig(
  file: string,
  text: string,
  options: ReadConfigOptions,
): ConfigReading {
  const yaml = readYaml(text)
  if (yaml.faults.length > 0) {
    return {
      subgraphs: [],
      problems: yaml.faults.map((fault) => yamlProblem(file, fault)),
      hints: [],
    }
  }
  const problems: Problem[] = []
  const unfilled = new Set<string>()
  const report = (path: readonly PropertyKey[], message: string) => {
    const line = yaml.lineOf(path)
    const subject = path.join('.')
    problems.push({
      code: 'INVALID_CONFIGURATION',
      message: subject ? `${subject} ${message}` : message,
      places: [line ? { file, line } : { file }],
    })
  }
  const content = substitute(yaml.content, {
    environment: options.environment,
    directory: dirname(file),
    problem(path, message) {
      unfilled.add(path.join('.'))
      report(path, message)
    },
  })
  // A variable that is not set is reported once, not again as an invalid value.
  const problem: Reader['problem'] = (path, message) => {
    if (!unfilled.has(path.join('.'))) report(path, message)
  }
  const hints: Hint[] = []
  const hint: Reader['hint'] = (path, code, message) => {
    const line = yaml.lineOf(path)
    hints.push({ code, level: 'WARN', message, places: [line ? { file, line } : { file }] })
  }
  const subgraphs = readContent(content, { file, yaml, problem, hint, options })
  return { subgraphs, problems, hints }
}

interface Reader {
  file: string
  yaml: YamlFile
  problem: (path: readonly PropertyKey[], message: string) => void
  hint: (path: readonly PropertyKey[], code: string, message: string) => void
  options: ReadConfigOptions
}

function readContent(content: unknown, reader: Reader): SubgraphConfig[] {
  const { problem } = reader
  if (!isRecord(content)) {
    problem([], 'the file names no subgraphs: it needs `subgraphs:` with one entry each')
    return []
  }
  refuseUnknownKeys(content, [], ['federation_version', 'subgraphs'], reader)
  checkFederationVersion(content.federation_version, reader)
  if (!isRecord(content.subgraphs) || Object.keys(content.subgraphs).length === 0) {
    problem(['subgraphs'], 'has to name at least one subgraph')
    return []
  }
  return Object.entries(content.subgraphs).flatMap(([name, entry]) =>
    readSubgraph(name, entry, reader),
  )
}

/**
 * A name is part of the supergraph, the audience of the claims header and the input of a key, so it is
 * restricted to the form that all federation tools accept.
 */
const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** Returns the problem with the name of a subgraph, if there is one. */
export function faultOfName(name: string): string | undefined {
  if (nameForm.test(name)) return undefined
  return 'is not a name for a subgraph: it starts with a letter and has at most 64 letters, digits, _ and -'
}

function readSubgraph(name: string, entry: unknown, reader: Reader): SubgraphConfig[] {
  const { problem, file, yaml } = reader
  const path = ['subgraphs', name]
  const fault = faultOfName(name)
  if (fault !== undefined) problem(path, fault)
  if (!isRecord(entry)) {
    problem(path, 'needs `routing_url` and `schema`')
    return []
  }
  refuseUnknownKeys(entry, path, ['routing_url', 'schema'], reader)
  const schema = readSchema(entry.schema, [...path, 'schema'], reader)
  const routingUrl = readRoutingUrl(entry.routing_url, schema, path, reader)
  if (schema === undefined || routingUrl === undefined) return []
  const line = yaml.lineOf([...path, 'schema'])
  return [{ name, routingUrl, schema, place: { file, subgraph: name, ...(line ? { line } : {}) } }]
}

/** As in rover, the introspected URL of a subgraph is also its default routing URL. */
function readRoutingUrl(
  value: unknown,
  schema: SchemaSource | undefined,
  path: readonly string[],
  { problem }: Reader,
): string | undefined {
  if (value === undefined || value === null) {
    if (schema?.from === 'subgraph') return schema.url
    problem(path, 'has no `routing_url`: it is where the gateway finds the subgraph')
    return undefined
  }
  const fault = urlFault(value)
  if (fault) problem([...path, 'routing_url'], fault)
  return fault ? undefined : (value as string)
}

/** The ways to give a schema: a subgraph has exactly one. */
const schemaKeys = ['file', 'subgraph_url', 'sdl']

function readSchema(
  value: unknown,
  path: readonly string[],
  reader: Reader,
): SchemaSource | undefined {
  const { problem, file, yaml } = reader
  if (!isRecord(value)) {
    problem(path, 'has to say where the schema is: `file`, `subgraph_url` or `sdl`')
    return undefined
  }
  if ('graphref' in value || 'subgraph' in value) {
    problem(path, 'is a schema in a registry, which is not supported: give its `file`')
    return undefined
  }
  refuseUnknownKeys(value, path, [...schemaKeys, 'introspection_headers'], reader)
  const given = schemaKeys.filter((key) => value[key] !== undefined)
  if (given.length !== 1) {
    problem(path, 'needs exactly one of `file`, `subgraph_url` and `sdl`')
    return undefined
  }
  const [key] = given as [string]
  const source = value[key]
  const at = [...path, key]
  if (key !== 'subgraph_url' && value.introspection_headers !== undefined) {
    problem([...path, 'introspection_headers'], 'belong to `subgraph_url` only')
  }
  if (typeof source !== 'string' || source.trim() === '') {
    problem(at, 'has to be a text that is not empty')
    return undefined
  }
  if (key === 'file') return { from: 'file', path: resolve(dirname(file), source) }
  if (key === 'sdl') return { from: 'text', sdl: source, firstLine: yaml.firstLineOfText(at) }

  const headers = readHeaders(value.introspection_headers, path, reader)
  const fault = urlFault(source)
  if (fault) problem(at, fault)
  return fault ? undefined : { from: 'subgraph', url: source, headers }
}

function readHeaders(value: unknown, path: readonly string[], { problem }: Reader) {
  const headers: Record<string, string> = {}
  if (value === undefined) return headers
  const at = [...path, 'introspection_headers']
  if (!isRecord(value)) {
    problem(at, 'has to be a list of names and values')
    return headers
  }
  for (const [name, content] of Object.entries(value)) {
    if (typeof content === 'string' && isHeader(name, content)) headers[name] = content
    else problem([...at, name], 'is not a header that can be sent')
  }
  return headers
}

function isHeader(name: string, content: string): boolean {
  try {
    new Headers([[name, content]])
    return true
  } catch {
    return false
  }
}

/** Returns the problem with a URL that the gateway or the composition would call, if there is one. */
function urlFault(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'has to be a URL'
  if (!URL.canParse(value)) return `is not a URL: ${JSON.stringify(value)}`
  const { protocol, username, password, port } = new URL(value)
  if (username || password) return 'contains a name or password, which do not belong in a URL'
  if (!['http:', 'https:'].includes(protocol)) {
    return `has to start with http:// or https://: ${JSON.stringify(value)}`
  }
  if (port === '0') return `has port 0, at which nothing can be reached: ${JSON.stringify(value)}`
  return undefined
}

/** Any 2.x composes with the installed release; a hint says so if another one is requested. */
function checkFederationVersion(value: unknown, { problem, hint, options }: Reader): void {
  const path = ['federation_version']
  const installed = options.federationVersion
  const version = value === undefined ? '2' : String(value).trim()
  if (['2', 'latest-2', `=${installed}`, installed].includes(version)) return
  if (version === '1' || version === 'latest-1' || /^[=~^]?v?[01]\./.test(version)) {
    problem(path, `is ${version}: Federation 1 is not composed here, only 2`)
  } else if (/^[=~^]?v?2(\.\d+){1,2}(-[\w.-]+)?$/.test(version)) {
    hint(
      path,
      'OTHER_FEDERATION_VERSION',
      `federation_version is ${version}: composed with the installed ${installed}`,
    )
  } else {
    problem(path, `is ${JSON.stringify(version)}: write 2 or =${installed}`)
  }
}

function refuseUnknownKeys(
  value: Record<string, unknown>,
  path: readonly string[],
  known: readonly string[],
  { problem }: Reader,
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    problem([...path, key], `is not a known key: expected ${known.join(', ')}`)
  }
}

function yamlProblem(file: string, { message, line, column }: YamlFile['faults'][number]): Problem {
  return { code: 'INVALID_CONFIGURATION', message, places: [{ file, line, column }] }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
