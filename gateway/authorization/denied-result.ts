/** The errors about denied fields in a result. */
import type { ResponseError, ResponsePath } from '../graphql/response-error.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { DeniedField } from '../graphql/response-shape.ts'
import type { Authorizer } from './authorizer.ts'
import type { AddedToResponse, Caller } from '../client-request.ts'
import { challengeOf, challengeParts } from './challenge.ts'
import type { ChallengeParts } from './challenge.ts'
import type { AuthorizedOperation } from './decisions.ts'
import type { DeniedPath } from './denied-paths.ts'
import { denialsFor, withTokenMissing } from './denial.ts'
import type { Denial } from './denial.ts'

/** The decision about one request. */
export interface AuthorizedRequest {
  readonly authorized: AuthorizedOperation
  readonly caller: Caller
  /** The policies that decided in favour of this request. */
  readonly granted?: ReadonlySet<string> | undefined
  /** What it is estimated to cost; undefined where cost is not limited. */
  readonly estimated?: number | undefined
  /** What its client gets to know of that, if it asked. */
  readonly cost?: { readonly estimated: number; readonly max: number } | undefined
}

/** The result of executing an authorized operation. */
export interface ExecutedOperation {
  readonly data: ResponseData
  readonly errors: readonly ResponseError[]
  readonly denied: readonly DeniedField[]
  /** How many denied fields there are, listed or not. */
  readonly deniedCount: number
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}

export interface DeniedResult {
  readonly data: ResponseData
  readonly errors: readonly ResponseError[]
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
  /** The error row for the HTTP status if nothing of the operation is left. */
  readonly challenge?: ChallengeParts | undefined
}

/** The result of an operation that is not executed. */
export const notExecuted: ExecutedOperation = {
  data: 'null',
  errors: [],
  denied: [],
  deniedCount: 0,
}

/** Returns what was executed with the extensions that subgraphs have added to it. */
export function withExtensions(
  executed: ExecutedOperation,
  { extensions }: Pick<AddedToResponse, 'extensions'>,
): ExecutedOperation {
  return extensions
    ? { ...executed, extensions: { ...extensions, ...executed.extensions } }
    : executed
}

/** Returns one denial per denied path. If nothing is left for an anonymous caller, they say so. */
export function denialsOf(
  authorizer: Authorizer,
  { authorized, caller, granted }: AuthorizedRequest,
  { data, denied, deniedCount }: ExecutedOperation,
): readonly Denial[] {
  const { outcome, failing } = authorized
  const places = deniedPlaces(authorized, denied)
  if (places.length === 0) return []
  const denial = denialsFor(authorizer, failing, authorizer.credentials(caller, granted))
  const denials = places.map(({ path, nodes, requirement }) => denial(path, nodes, requirement))
  const isNothingLeft = data === 'null' && outcome !== 'whole' && !caller.claims
  const unlisted = outcome === 'reduced' ? deniedCount - denied.length : 0
  return abridged(isNothingLeft ? withTokenMissing(denials) : denials, unlisted)
}

/** Returns the result with the denials added in order; unchanged with `log`. */
export function resultWithDenials(
  authorizer: Authorizer,
  request: AuthorizedRequest,
  executed: ExecutedOperation,
  denials: readonly Denial[],
): DeniedResult {
  const { authorized, caller, granted } = request
  const { outcome } = authorized
  const isNothingLeft =
    outcome === 'nothing left' ||
    outcome === 'refused' ||
    (outcome === 'reduced' && executed.data === 'null' && denials.length > 0)
  const challenge = isNothingLeft
    ? challengeParts(challengeOf(authorizer, authorized, caller, granted))
    : undefined
  const place = challenge ? 'errors' : authorizer.options.errors
  return { ...placed(executed, denials, place), challenge }
}

function placed(
  { data, errors, extensions }: ExecutedOperation,
  denials: readonly Denial[],
  place: Authorizer['options']['errors'],
): DeniedResult {
  if (denials.length === 0 || place === 'log') return { data, errors, extensions }
  if (place === 'errors') return { data, errors: [...errors, ...denials], extensions }
  return { data, errors, extensions: { ...extensions, authorizationErrors: denials } }
}

interface DeniedPlace extends Omit<DeniedPath, 'path' | 'coordinate'> {
  readonly path: ResponsePath
}

/** Returns the denied fields: those of a reduced operation are known when its result is written. */
export function deniedPlaces(
  { outcome, denied }: AuthorizedOperation,
  inResult: readonly DeniedField[],
): readonly DeniedPlace[] {
  if (outcome !== 'reduced') return denied
  return inResult.map(({ path, fields }) => ({
    path,
    nodes: fields.map(({ node }) => node),
    requirement: fields.flatMap(({ denied = [] }) => denied),
  }))
}

/** The last listed denial also reports the number of those that are not listed. */
function abridged(denials: readonly Denial[], unlisted: number): readonly Denial[] {
  const last = denials.at(-1)
  if (!last || unlisted === 0) return denials
  const message = `You may not see this field, nor ${unlisted} more`
  return [...denials.slice(0, -1), { ...last, message }]
}
