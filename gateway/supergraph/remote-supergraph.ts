/** A supergraph at a URL: polled by one process, for all processes of a gateway. */
import type { JWK } from 'jose'
import type { Logger } from 'pino'
import { Agent } from 'undici'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { faultOfUrl } from '../authentication/issuer-url.ts'
import { fetchText, TextFetchFailure } from './fetch-supergraph.ts'
import type { FetchedText } from './fetch-supergraph.ts'
import type { ServedRecord, SupergraphCopy, SupergraphSource } from './supergraph-source.ts'
import { faultOfSuccession, signedSupergraph, verifySignature } from './verify-signature.ts'
import type { SignedKind } from './verify-signature.ts'

/** How a supergraph is fetched: `supergraph` of gateway.yaml. */
export interface RemoteSettings {
  /** The accepted public keys, one of which must have signed it; undefined: signatures are not verified. */
  readonly keys?: readonly JWK[] | undefined
  /** The time between two requests, in milliseconds. */
  readonly poll: number
  /** The longest time of a request, in milliseconds. */
  readonly timeout: number
  /** The largest supergraph, in bytes. */
  readonly responseLimit: number
  readonly headers: Readonly<Record<string, string>>
  readonly allowHttp: boolean
}

/** What the polling process knows. */
export interface RemoteState {
  /** Larger after each change. */
  readonly revision: number
  /** The newest supergraph that was fetched, with a valid signature if one is needed. */
  readonly copy?: SupergraphCopy | undefined
  /** Why there is no newer one; undefined: the last request was successful. */
  readonly fault?: string | undefined
}

/** The part of it that followers of the supergraph need. */
export interface RemoteFeed {
  state(): RemoteState
  /** Calls back after each change; returns the function that ends it. */
  onChange(listener: () => void): () => void
}

export interface RemoteSupergraph extends RemoteFeed {
  /** Polls with these settings from now on, at once; returns the function that goes back. */
  configure(settings: RemoteSettings): Promise<() => void>
  close(): Promise<void>
}

export interface RemoteSupergraphOptions {
  readonly url: string
  readonly settings: RemoteSettings
  readonly record: Pick<ServedRecord, 'lastSigned'>
  /** What is at the URL; default: a supergraph. */
  readonly kind?: SignedKind
  readonly log: Logger
  readonly pauses?: RemotePauses
}

/** In milliseconds. */
export interface RemotePauses {
  /** After a failure: the first pause, doubled each time up to the longest. */
  readonly first: number
  readonly longest: number
  /** Before text and signature that do not match are fetched again. */
  readonly mismatch: number
}

const usualPauses: RemotePauses = { first: 1_000, longest: 30_000, mismatch: 1_000 }
/** How often text and signature are fetched again if they do not match: they may belong to two versions. */
const mostRetries = 3
/** The largest signature, in bytes. */
const signatureLimit = 8 * 1024

/** Returns whether the value of `--supergraph` is a URL, and no file. */
export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location)
}

/** Returns the URL without its query, which may hold a secret. */
export function displayUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/** Polls the URL; returns after the first attempt, successful or not. A bad URL is a StartFailure. */
export async function remoteSupergraph(
  options: RemoteSupergraphOptions,
): Promise<RemoteSupergraph> {
  const { url, record, kind = signedSupergraph, log, pauses = usualPauses } = options
  const { noun } = kind
  refuseBadUrl(url, options.settings, kind)
  const name = displayUrl(url)
  const agent = new Agent({ connections: 1 })
  const listeners = new Set<() => void>()
  let settings = options.settings
  let state: RemoteState = { revision: 0 }
  let latest: { text?: FetchedText; signature?: FetchedText | undefined } = {}
  let failures = 0
  let attempting: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  await poll()

  return {
    state: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async configure(next) {
      refuseBadUrl(url, next, kind)
      const previous = settings
      settings = next
      await attempting
      await poll()
      return () => {
        settings = previous
      }
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await agent.destroy()
      await attempting
    },
  }

  async function poll(): Promise<void> {
    clearTimeout(timer)
    attempting ??= attempt().finally(() => (attempting = undefined))
    await attempting
    if (isClosed) return
    clearTimeout(timer)
    timer = setTimeout(() => void poll(), pauseUntilNext())
  }

  /** Returns a pause that is up to a tenth shorter or longer, so that gateways do not poll in step. */
  function pauseUntilNext(): number {
    const pause =
      failures === 0 ? settings.poll : Math.min(pauses.first * 2 ** (failures - 1), pauses.longest)
    return pause * (0.9 + Math.random() * 0.2)
  }

  async function attempt(): Promise<void> {
    try {
      const copy = await fetchVerified()
      failures = 0
      if (state.fault !== undefined) log.info({ url: name }, `the ${noun} is fetched again`)
      const { text, signature } = state.copy ?? {}
      const isNew = copy.text !== text || copy.signature !== signature
      if (isNew || state.fault !== undefined) publish({ copy, fault: undefined })
    } catch (cause) {
      if (isClosed) return
      failures++
      const fault = (cause as Error).message
      if (fault === state.fault) return
      log.error({ reason: fault }, `no newer ${noun} is served: trying again`)
      publish({ copy: state.copy, fault })
    }
  }

  function publish(next: Omit<RemoteState, 'revision'>): void {
    state = { ...next, revision: state.revision + 1 }
    for (const listener of listeners) listener()
  }

  async function fetchVerified(): Promise<SupergraphCopy> {
    for (let retries = 0; ; retries++) {
      const copy = await fetchCopy()
      const fault = await faultOf(copy)
      if (fault === undefined) return copy
      if (retries === mostRetries || isClosed) {
        throw new SupergraphNotFetched(`the ${noun} ${name} ${fault}`)
      }
      await new Promise((resolve) => setTimeout(resolve, pauses.mismatch))
    }
  }

  async function faultOf(copy: SupergraphCopy): Promise<string | undefined> {
    if (settings.keys === undefined) return undefined
    const verified = await verifySignature(copy, settings.keys, kind)
    if (verified.outcome === 'refused') return verified.fault
    return faultOfSuccession(verified.version, await record.lastSigned())
  }

  async function fetchCopy(): Promise<SupergraphCopy> {
    const text = await fetchPart(url, latest.text, settings.responseLimit)
    if (text === undefined) throw notFetched('HTTP status 404', name)
    const signature = settings.keys
      ? await fetchPart(signatureUrl(url), latest.signature, signatureLimit)
      : undefined
    latest = { text, signature }
    return { text: text.text, signature: signature?.text }
  }

  function notFetched(reason: string, from: string, cause?: Error): SupergraphNotFetched {
    return new SupergraphNotFetched(`the ${noun} ${from} cannot be fetched: ${reason}`, { cause })
  }

  async function fetchPart(
    from: string,
    known: FetchedText | undefined,
    limit: number,
  ): Promise<FetchedText | undefined> {
    const { headers, timeout } = settings
    const options = { agent, headers, timeout, limit, unlessEtag: known?.etag }
    const fetched = await fetchText(from, options).catch((cause: Error) => {
      if (!(cause instanceof TextFetchFailure)) throw cause
      throw notFetched(cause.message, displayUrl(from), cause)
    })
    if (fetched === 'not found') return undefined
    return fetched === 'unchanged' ? known : fetched
  }
}

/** Thrown when nothing newer could be fetched; the message is a sentence for the operator. */
class SupergraphNotFetched extends Error {
  override name = 'SupergraphNotFetched'
}

/** `https://host/supergraph.graphql?key` has its signature at `https://host/supergraph.graphql.jws?key`. */
function signatureUrl(url: string): string {
  const signature = new URL(url)
  signature.pathname += '.jws'
  return signature.href
}

function refuseBadUrl(url: string, { allowHttp }: RemoteSettings, kind: SignedKind): void {
  const fault = faultOfUrl(url, false) && faultOfUrl(url, allowHttp)
  if (fault === undefined || fault === '') return
  const advice = fault.replace('allow_http: true', kind.allowHttp)
  throw new StartFailure(`${kind.place} cannot be used: ${advice}`)
}

/** Returns the source that followers in this process use. */
export function remoteSource(
  url: string,
  feed: RemoteFeed,
  record: ServedRecord,
): SupergraphSource {
  const name = displayUrl(url)
  return {
    name,
    mayComeLater: true,
    read() {
      const { copy, fault = `the supergraph ${name} has not been fetched yet` } = feed.state()
      if (copy !== undefined) return { outcome: 'read', copy }
      return { outcome: 'unreadable', sentence: fault, isReported: true }
    },
    watch: feed.onChange,
    record,
  }
}
