/** The gateway's configuration: one file, checked at start against one schema. */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument, stringify } from 'yaml'
import type { Document } from 'yaml'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { describeProblem, firstOfEachPath, problemAt, sentencesOf } from './config-problem.ts'
import type { ConfigProblem } from './config-problem.ts'
import { configSchema } from './gateway-config.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { checkGivenCallback } from './given-callback.ts'
import { checkGivenClients } from './given-clients.ts'
import { checkGivenHeaders } from './given-headers.ts'
import { checkGivenKeys } from './given-keys.ts'
import { checkGivenRates } from './given-rates.ts'
import { withPresets } from './issuer-presets.ts'
import { resolveManifests } from './operations.ts'
import { withCurrentNames } from './renamed-keys.ts'
import { substitute } from './substitute.ts'
import { readKeysFile } from './supergraph.ts'

type Environment = Readonly<Record<string, string | undefined>>

interface Warner {
  warn(details: object, message: string): void
}

export type ConfigReading = {
  /** Keys that the file gives under a former name. */
  readonly warnings: readonly ConfigProblem[]
} & (
  | { readonly outcome: 'valid'; readonly config: GatewayConfig }
  | { readonly outcome: 'invalid'; readonly problems: readonly ConfigProblem[] }
)

/**
 * Returns the configuration in that file, and logs one warning if it uses former names of keys. A
 * StartFailure lists everything that is wrong with the file.
 */
export function readConfig(path: string, environment: Environment, log?: Warner): GatewayConfig {
  const reading = checkConfig(path, environment)
  if (reading.outcome === 'invalid') {
    const list = reading.problems.map((problem) => `\n  - ${describeProblem(problem)}`).join('')
    throw new StartFailure(`the configuration ${path} cannot be used:${list}`)
  }
  if (reading.warnings.length > 0) {
    const keys = reading.warnings.map(describeProblem)
    log?.warn({ config: path, keys }, 'the configuration uses former names of keys')
  }
  return reading.config
}

/** Returns the configuration, or all its problems. An unreadable file is a StartFailure. */
export function checkConfig(path: string, environment: Environment): ConfigReading {
  const { document, lines } = parseFile(path)
  if (document.errors.length > 0) {
    return { outcome: 'invalid', problems: syntaxProblems(document, lines), warnings: [] }
  }

  const problems: ConfigProblem[] = []
  const at = { document, lines }
  const problem = (where: readonly PropertyKey[], message: string) =>
    void problems.push(problemAt(where, message, at))
  const directory = dirname(resolve(path))
  const file = substitute(document.toJS() ?? {}, { environment, directory, problem })
  const { content, former, givenTwice, pathInFile } = withCurrentNames(file)
  const warnings = former.map(({ path, current }) =>
    problemAt(path, `is the former name of ${current}: write ${current} instead`, at),
  )
  for (const { path, current } of givenTwice) {
    problem(path, `is the former name of ${current}, which is given too: remove this one`)
  }

  const parsed = configSchema.safeParse(withPresets(content), { reportInput: false })
  if (parsed.success) {
    const config = withAbsolutePaths(parsed.data, directory)
    checkGivenKeys(config.authentication.issuers, problem)
    checkGivenCallback(config, problem)
    checkGivenHeaders(config, problem)
    checkGivenRates(config, problem)
    checkGivenClients(config, problem)
    readKeysFile(config.supergraph, ['supergraph'], directory, problem)
    for (const [index, manifest] of config.operations.manifests.entries()) {
      readKeysFile(manifest, ['operations', 'manifests', index], directory, problem)
    }
    if (problems.length === 0) return { outcome: 'valid', config, warnings }
  }
  for (const issue of parsed.error?.issues ?? []) {
    for (const [where, message] of sentencesOf(issue)) problem(pathInFile(where), message)
  }
  return { outcome: 'invalid', problems: firstOfEachPath(problems), warnings }
}

/**
 * Returns the text of a configuration with current names and with every preset in full. Placeholders stay as
 * they are: no value from outside the file is in it. A StartFailure says that the file is not YAML.
 */
export function configInFull(path: string): string {
  const { document, lines } = parseFile(path)
  const [problem] = syntaxProblems(document, lines)
  if (problem) throw new StartFailure(`the configuration ${path}: ${describeProblem(problem)}`)
  return stringify(withPresets(withCurrentNames(document.toJS() ?? {}).content))
}

function parseFile(path: string) {
  const lines = new LineCounter()
  return { document: parseDocument(readText(path), { lineCounter: lines }), lines }
}

function syntaxProblems({ errors }: Document.Parsed, lines: LineCounter): ConfigProblem[] {
  return errors.map(({ message, pos }) => ({
    path: '',
    line: lines.linePos(pos[0]).line,
    message: message.split('\n')[0]!,
  }))
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
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new StartFailure(
      `the configuration ${path} ${why}: give the path of a file that this user may read`,
      { cause },
    )
  }
}

/** Relative paths of files in the configuration start at its directory. */
function withAbsolutePaths(config: GatewayConfig, directory: string): GatewayConfig {
  for (const issuer of config.authentication.issuers) {
    if (issuer.keys?.kind !== 'file') continue
    issuer.keys = { kind: 'file', path: resolve(directory, issuer.keys.path) }
  }
  const { policies } = config.authorization
  if (policies && 'file' in policies) policies.file = resolve(directory, policies.file)
  resolveManifests(config.operations, directory)
  return config
}
