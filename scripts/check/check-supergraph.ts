/** All checks of `npm run check`, on a supergraph that composes. */
import { readFile } from 'node:fs/promises'
import { Supergraph } from '@apollo/federation-internals'
import { parse, separateOperations } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import type { JWK } from 'jose'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { unguardedPaths } from '../../gateway/authorization/unguarded-paths.ts'
import type { UnguardedPath } from '../../gateway/authorization/unguarded-paths.ts'
import { SupergraphRefused } from '../../gateway/authorization/supergraph-refused.ts'
import { valueOf } from '../../gateway/operations/cost/formula.ts'
import { operationCosts } from '../../gateway/operations/cost/operation-cost.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { readCostDirectives } from '../../gateway/supergraph/read-cost-directives.ts'
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
import { checkOperations, operationFindings } from './check-operations.ts'
import type { CheckedOperation, CheckedSupergraph } from './check-operations.ts'
import type { Finding, Unplaced } from './finding.ts'
import { nameTypos } from './name-typos.ts'
import { placesIn } from './places.ts'
import { readManifests } from './read-manifests.ts'
import type { ManifestOperation } from './read-manifests.ts'
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
  /** The supergraph, composed already; left out: it is composed of the subgraphs. */
  supergraph?: string | undefined
  /** The files of the manifests of known operations; left out: operations are not checked. */
  operations?: readonly string[] | undefined
  /** Whether operations may require more of callers than before: then that is only a warning. */
  allowNewRequirements?: boolean
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
  /** What the check says of each known operation, if there are manifests. */
  readonly operations?: readonly CheckedOperation[] | undefined
}

/** Returns the findings; composition errors are findings, too. */
export async function checkSupergraph(options: CheckOptions): Promise<CheckReport> {
  const accepted = await readAcceptedNames(options.accept ?? noFile)
  const operations = options.operations && (await readManifests(options.operations))
  const last = await readLast(options)
  const composition = options.supergraph
    ? await readComposed(options.supergraph)
    : await composeSupergraph(options.config, options.environment, options.compose)
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
  const found = findingsIn(sdl, last, { accepted, operations }, options)
  const findings = found.findings.map((finding) => ({
    ...finding,
    places: placesOf(finding.coordinate),
  }))
  return { ...found, findings, hints, compared: last !== undefined }
}

/** The default of limits.cost.list_size. */
const usualListSize = 10

const noFile: AcceptedFile = { path: 'accepted.yaml', isRequired: false }

/** What the check is given beside the supergraphs. */
interface Given {
  readonly accepted: AcceptedNames
  readonly operations: readonly ManifestOperation[] | undefined
}

interface Found {
  readonly findings: readonly Unplaced[]
  readonly operations?: readonly CheckedOperation[] | undefined
}

function findingsIn(
  sdl: string,
  last: CheckedSupergraph | undefined,
  given: Given,
  options: CheckOptions,
): Found {
  const now = readGuarded(sdl, options)
  if (typeof now === 'string') {
    const code = 'SUPERGRAPH_REFUSED'
    return { findings: [{ severity: 'error', code, coordinate: '', message: now }] }
  }
  const { schema: guarded } = now.authorizer
  const typos = nameTypos(guarded, given.accepted)
  const operations = given.operations && checkOperations(given.operations, now, last)
  const findings = [
    ...unguardedMutations(guarded),
    ...typos.findings,
    ...typos.needless.map(needlesslyAccepted),
    ...unguardedPaths(guarded).map(reachable),
    ...(last ? removedGuards(last.authorizer.schema, guarded) : []),
    ...(last ? schemaChanges(last.schema, now.schema, options.usage) : []),
    ...(operations ? operationFindings(operations, options.allowNewRequirements === true) : []),
  ]
  return { findings, operations }
}

function reachable(path: UnguardedPath): Unplaced {
  return { severity: 'error', code: 'GUARDED_TYPE_REACHABLE', ...path }
}

function needlesslyAccepted({ code, name }: { code: string; name: string }): Unplaced {
  const message = `${JSON.stringify(name)} is accepted, but no ${code} is found for it: remove it from the accepted names`
  return { severity: 'warning', code: 'ACCEPTED_NEEDLESSLY', coordinate: '', message }
}

/** Returns the supergraph as the gateway would load it, or why it would refuse it. */
function readGuarded(sdl: string, options: CheckOptions): CheckedSupergraph | string {
  try {
    const { loadableSdl, authorizer } = guardSupergraph(sdl, { default: options.default })
    const schema = Supergraph.build(loadableSdl).apiSchema().toGraphQLJSSchema()
    const costOf = options.operations && costsIn(sdl, schema)
    return { authorizer, schema, costOf }
  } catch (cause) {
    if (cause instanceof SupergraphRefused) return cause.message
    throw cause
  }
}

/** Returns the function for the cost of an operation without variables, with the default length of lists. */
function costsIn(sdl: string, apiSchema: GraphQLSchema): CheckedSupergraph['costOf'] {
  const document = parse(sdl, { noLocation: true })
  const directives = runToCompletion(readCostDirectives(document))
  const formulaOf = operationCosts({ apiSchema, directives, listSize: usualListSize })
  return (document, { name }) => {
    const formula = formulaOf(separateOperations(document)[name?.value ?? '']!)
    return Math.ceil(valueOf(formula, { variables: {}, unsliced: undefined }))
  }
}

/** Returns what composition would; a file that cannot be read is a StartFailure. */
async function readComposed(path: string) {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = `cannot be read (${cause.code})`
    throw new StartFailure(`the supergraph ${displayPath(path)} ${reason}`, { cause })
  })
  return { outcome: 'composed', sdl: bytes.toString(), hints: [], loaded: [] } as const
}

async function readLast(options: CheckOptions): Promise<CheckedSupergraph | undefined> {
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
