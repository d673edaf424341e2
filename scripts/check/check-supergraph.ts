/** All checks of `npm run check`, on a supergraph that composes. */
import { readFile } from 'node:fs/promises'
import { Supergraph } from '@apollo/federation-internals'
import type { GraphQLSchema } from 'graphql'
import type { JWK } from 'jose'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import type { GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import { unguardedPaths } from '../../gateway/authorization/unguarded-paths.ts'
import type { UnguardedPath } from '../../gateway/authorization/unguarded-paths.ts'
import { SupergraphRefused } from '../../gateway/authorization/supergraph-refused.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { composeSupergraph } from '../compose/compose-supergraph.ts'
import type { Composer } from '../compose/compose-supergraph.ts'
import { displayPath } from '../compose/problem.ts'
import type { Hint } from '../compose/problem.ts'
import type { Environment } from '../compose/supergraph-config.ts'
import { verifySignatureFile } from '../compose/sign-supergraph.ts'
import { decodeUtf8 } from '../compose/utf8.ts'
import { readAcceptedNames } from './accepted-names.ts'
import type { AcceptedFile, AcceptedNames } from './accepted-names.ts'
import type { Finding, Unplaced } from './finding.ts'
import { nameTypos } from './name-typos.ts'
import { placesIn } from './places.ts'
import { removedGuards } from './removed-guards.ts'
import { schemaChanges } from './schema-changes.ts'
import type { UsageOptions } from './schema-changes.ts'
import { unguardedMutations } from './unguarded-mutations.ts'

/** The options of a check. */
export interface CheckOptions {
  /** The path of supergraph.yaml. */
  config: string
  /** The path of the last supergraph: if it exists, changes since then are checked. */
  last: string
  /** Whether its absence is an error. */
  lastIsRequired?: boolean
  /** The accepted public keys: one of them must have signed the last supergraph. */
  keys?: readonly JWK[] | undefined
  /** Names that are not typos. */
  accept?: AcceptedFile
  /** As `authorization.default` in gateway.yaml. */
  default: 'allow' | 'deny'
  /** What clients use; left out: not known. */
  usage?: UsageOptions | undefined
  environment: Environment
  /** Default: composes in a worker thread. */
  compose?: Composer
}

/** The result of a check. */
export interface CheckReport {
  readonly findings: readonly Finding[]
  readonly hints: readonly Hint[]
  /** Whether there was a last supergraph. */
  readonly compared: boolean
}

/** Returns the findings; composition errors are findings, too. */
export async function checkSupergraph(options: CheckOptions): Promise<CheckReport> {
  const accepted = await readAcceptedNames(options.accept ?? noFile)
  const last = await readLast(options)
  const composition = await composeSupergraph(options.config, options.environment, options.compose)
  if (composition.outcome === 'failed') {
    const findings = composition.errors.map((error) => ({
      ...error,
      severity: 'error' as const,
      coordinate: '',
    }))
    return { findings, hints: [], compared: last !== undefined }
  }
  const { sdl, hints, loaded } = composition
  const placesOf = placesIn(loaded)
  const findings = findingsIn(sdl, last, accepted, options).map((finding) => ({
    ...finding,
    places: placesOf(finding.coordinate),
  }))
  return { findings, hints, compared: last !== undefined }
}

const noFile: AcceptedFile = { path: 'accepted.yaml', isRequired: false }

interface Readable {
  readonly guarded: GuardedSchema
  readonly schema: GraphQLSchema
}

function findingsIn(
  sdl: string,
  last: Readable | undefined,
  accepted: AcceptedNames,
  options: CheckOptions,
): Unplaced[] {
  const now = readGuarded(sdl, options)
  if (typeof now === 'string') {
    return [{ severity: 'error', code: 'SUPERGRAPH_REFUSED', coordinate: '', message: now }]
  }
  const typos = nameTypos(now.guarded, accepted)
  return [
    ...unguardedMutations(now.guarded),
    ...typos.findings,
    ...typos.needless.map(needlesslyAccepted),
    ...unguardedPaths(now.guarded).map(reachable),
    ...(last ? removedGuards(last.guarded, now.guarded) : []),
    ...(last ? schemaChanges(last.schema, now.schema, options.usage) : []),
  ]
}

function reachable(path: UnguardedPath): Unplaced {
  return { severity: 'error', code: 'GUARDED_TYPE_REACHABLE', ...path }
}

function needlesslyAccepted({ code, name }: { code: string; name: string }): Unplaced {
  const message = `${JSON.stringify(name)} is accepted, but no ${code} is found for it: remove it from the accepted names`
  return { severity: 'warning', code: 'ACCEPTED_NEEDLESSLY', coordinate: '', message }
}

/** Returns the supergraph as the gateway would load it, or why it would refuse it. */
function readGuarded(sdl: string, options: CheckOptions): Readable | string {
  try {
    const { loadableSdl, authorizer } = guardSupergraph(sdl, { default: options.default })
    const schema = Supergraph.build(loadableSdl).apiSchema().toGraphQLJSSchema()
    return { guarded: authorizer.schema, schema }
  } catch (cause) {
    if (cause instanceof SupergraphRefused) return cause.message
    throw cause
  }
}

async function readLast(options: CheckOptions): Promise<Readable | undefined> {
  const path = displayPath(options.last)
  const bytes = await readFile(options.last).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' && !options.lastIsRequired) return undefined
    const reason = cause.code === 'ENOENT' ? 'is not there' : `cannot be read (${cause.code})`
    throw new StartFailure(`the last supergraph ${path} ${reason}: name it with --last`, { cause })
  })
  if (bytes === undefined) return undefined
  const decoded = decodeUtf8(bytes)
  if ('invalidLine' in decoded) throw new StartFailure(`the last supergraph ${path} is not UTF-8`)
  const sdl = decoded.text
  const verified = options.keys && (await verifySignatureFile(options.last, sdl, options.keys))
  if (verified?.outcome === 'refused') {
    throw new StartFailure(`the last supergraph ${path} ${verified.fault}`)
  }
  try {
    const read = readGuarded(sdl, options)
    if (typeof read !== 'string') return read
    throw new Error(read)
  } catch (cause) {
    throw new StartFailure(
      `the last supergraph ${path} cannot be compared with: ${(cause as Error).message.split('\n')[0]}`,
      { cause },
    )
  }
}
