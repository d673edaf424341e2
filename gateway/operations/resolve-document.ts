/** Decides which text a request executes: by the ids of known operations, and by what the caller may send. */
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Caller, DocumentUse } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import { sha256 } from './automatic-operations.ts'
import type { AutomaticOperations } from './automatic-operations.ts'
import type { KnownOperations } from './known-operations.ts'

/** The document of a request, as its client names it. At least one of text and id is there. */
export interface NamedDocument {
  readonly text: string | undefined
  readonly id: string | undefined
  /** Whether the id is in Apollo's `extensions.persistedQuery`: its clients expect errors of their own. */
  readonly byExtension: boolean
}

/** The part of a request that decides what it may send. */
export interface Requester {
  /** Undefined if it is not known, and may send nothing else than an anonymous one. */
  readonly caller: Caller | undefined
  /** Is set to how the request names its document, whether or not that is accepted. */
  documentUse: DocumentUse | undefined
}

export interface ResolverOptions<Request extends Requester> {
  /** The operations of the manifests: undefined while they cannot be read, empty if there are no manifests. */
  readonly known: () => KnownOperations | undefined
  /** Undefined: clients cannot register texts. */
  readonly automatic: AutomaticOperations | undefined
  /** `any`: every text is executed; `known`: those of the manifests; `ids`: those of the manifests, by their ids only. */
  readonly accept: 'any' | 'known' | 'ids'
  /**
   * Callers that may send any text, by what is verified of them: a scope, or the client to which the access token
   * was issued.
   */
  readonly exempt: {
    readonly scopes: readonly string[]
    readonly clients: readonly { readonly client: string; readonly issuers: readonly string[] }[]
  }
  /** Called with each text that is in no manifest, executed or not. */
  readonly onUnknown: ((text: string, request: Request) => void) | undefined
}

/** Returns the function that returns the text of a document, or throws a GatewayError. */
export function documentResolver<Request extends Requester>(options: ResolverOptions<Request>) {
  const { known, automatic, accept, exempt, onUnknown } = options
  const hasExempt = exempt.scopes.length > 0 || exempt.clients.length > 0

  return ({ text, id, byExtension }: NamedDocument, request: Request): string => {
    if (id === undefined) return acceptedText(text!, request)
    const found = known()?.textOf(id)
    if (found !== undefined && (text === undefined || text === found)) {
      request.documentUse = 'id'
      return found
    }
    if (text === undefined) {
      const registered = automatic?.textOf(id)
      if (registered === undefined) throw notFound(byExtension, request)
      request.documentUse = 'automatic_found'
      return registered
    }
    if (sha256(text) !== id) {
      throw new GatewayError(
        byExtension ? 'PERSISTED_QUERY_HASH_MISMATCH' : 'CANNOT_SEND_PQ_ID_AND_BODY',
      )
    }
    const accepted = acceptedText(text, request)
    if (automatic?.register(id, accepted, request.caller)) {
      request.documentUse = 'automatic_registered'
    }
    return accepted
  }

  function acceptedText(text: string, request: Request): string {
    const operations = known()
    const isKnown = operations?.has(text) === true
    if (operations) request.documentUse = isKnown ? 'text' : 'unknown_text'
    if (operations && !isKnown) onUnknown?.(text, request)
    if (accept === 'any' || (isKnown && accept === 'known')) return text
    if (isExempt(request)) return text
    if (!operations) throw new GatewayError('OPERATIONS_UNAVAILABLE')
    throw new GatewayError(
      accept === 'ids' ? 'PERSISTED_QUERY_ID_REQUIRED' : 'QUERY_NOT_IN_SAFELIST',
    )
  }

  /** Apollo's clients send the text next if they are told to, which helps only where it is accepted. */
  function notFound(byExtension: boolean, request: Request): GatewayError {
    if (!known()) return new GatewayError('OPERATIONS_UNAVAILABLE')
    request.documentUse = byExtension && automatic ? 'automatic_missed' : 'unknown_id'
    if (byExtension && automatic) return new GatewayError('PERSISTED_QUERY_NOT_FOUND')
    if (byExtension && (accept === 'any' || isExempt(request))) {
      return new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED')
    }
    return new GatewayError('PERSISTED_QUERY_NOT_IN_LIST')
  }

  function isExempt({ caller }: Request): boolean {
    const claims = hasExempt ? caller?.claims : undefined
    if (!claims) return false
    if (grantedScopes(claims).some((scope) => exempt.scopes.includes(scope))) return true
    const { clientId, issuer } = caller!
    return exempt.clients.some(
      ({ client, issuers }) => client === clientId && issuers.includes(issuer ?? ''),
    )
  }
}
