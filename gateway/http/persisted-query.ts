/** How a request names its document: by its text, by an id, or by both. */
import { createHash } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import { isObject } from '../values/json.ts'

/** `query`, `variables` and the other parameters, not validated. */
export type Parameters = Readonly<Record<string, unknown>>

/** The document of a request, as its client names it. At least one of text and id is there. */
export interface DocumentReference {
  readonly text: string | undefined
  /** Without the prefix `sha256:`. */
  readonly id: string | undefined
  /** Whether the id is in Apollo's `extensions.persistedQuery`: its clients expect errors of their own. */
  readonly byExtension: boolean
}

/**
 * Throws a GatewayError for a query by hash alone, upon which clients send the text, and for a hash
 * that does not fit the text beside it: there are no ids here.
 */
export function refusePersistedQuery(query: unknown, persistedQuery: unknown): void {
  if (typeof query !== 'string' || query === '') {
    throw new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED')
  }
  const hash = createHash('sha256').update(query).digest('hex')
  if (idOfExtension(persistedQuery) !== hash)
    throw new GatewayError('PERSISTED_QUERY_HASH_MISMATCH')
}

/** The parameters with an id: of GraphQL over HTTP (Appendix A), and those that Relay's examples have. */
export const idParameters = ['documentId', 'doc_id', 'id'] as const

/**
 * Returns how the document is named; undefined if the parameters name none. Throws a GatewayError for
 * an id that is no text, and for several different ones.
 *
 * @param inPath the id in the path of the request
 */
export function documentReference(
  parameters: Parameters,
  inPath: string | undefined,
): DocumentReference | undefined {
  const { query, extensions } = parameters
  const text = typeof query === 'string' && query !== '' ? query : undefined
  let id = inPath === undefined ? undefined : withoutPrefix(inPath)
  for (const name of idParameters) {
    const value = parameters[name]
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' || value === '') {
      throw malformed(`\`${name}\` must be a string: the id of a document`)
    }
    id = sameId(id, value)
  }
  const persistedQuery = isObject(extensions) ? extensions['persistedQuery'] : undefined
  const byExtension = persistedQuery !== undefined && persistedQuery !== null
  if (byExtension) id = sameId(id, idOfExtension(persistedQuery))
  if (text === undefined && id === undefined) return undefined
  return { text, id, byExtension }
}

/** Returns the parameters with the text of the document, and without its id. */
export function withText(parameters: Parameters, text: string): Parameters {
  const { query, operationName, variables, extensions } = parameters
  const others = withoutPersistedQuery(extensions)
  if (query === text && others === extensions) return parameters
  return { query: text, operationName, variables, extensions: others }
}

/** What is not an object is refused later. */
function withoutPersistedQuery(extensions: unknown): unknown {
  if (!isObject(extensions) || !('persistedQuery' in extensions)) return extensions
  for (const name in extensions) {
    if (name === 'persistedQuery') continue
    const { persistedQuery: _, ...others } = extensions
    return others
  }
  return undefined
}

/** The hash is that of the text as it was sent; Apollo's clients may have ids of other kinds, too. */
function idOfExtension(persistedQuery: unknown): string {
  if (isObject(persistedQuery)) {
    const { version, sha256Hash } = persistedQuery
    if (version === 1 && typeof sha256Hash === 'string' && sha256Hash !== '') return sha256Hash
  }
  throw malformed('`extensions.persistedQuery` must have version 1 and the sha256Hash of the query')
}

function sameId(known: string | undefined, given: string): string {
  const id = withoutPrefix(given)
  if (known === undefined || known === id) return id
  throw malformed('The request has the ids of different documents: send only one')
}

/** `sha256:` and the hash, or the hash alone as Apollo and code generators write it. */
function withoutPrefix(id: string): string {
  return id.startsWith('sha256:') ? id.slice('sha256:'.length) : id
}

function malformed(message: string): GatewayError {
  return new GatewayError('BAD_REQUEST', { message })
}
