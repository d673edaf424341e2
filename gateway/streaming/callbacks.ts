/**
 * Where subgraphs deliver events by HTTP: the callback protocol of Apollo, version 1.0. Each subscription has a
 * place with an unguessable id, and a verifier that only its subgraph knows.
 */
import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { jsonMembers } from '../values/json-members.ts'
import { readBody } from '../values/read-body.ts'

/** Gets what the subgraph of one subscription delivers. */
export interface CallbackReceiver {
  /** The largest message, in bytes. */
  readonly eventLimit: number
  /** The subgraph is alive, and asks whether the subscription is. */
  checked(): void
  next(bytes: Buffer): void
  /** There are no more events; `errors` is a JSON list of why. */
  ended(errors: Buffer | undefined): void
  tooLarge(): void
}

/** What the subgraph is told of where to deliver. */
export interface CallbackPlace {
  readonly id: string
  readonly verifier: string
  readonly url: string
  /** Later messages get 404, which ends the subscription at the subgraph. */
  remove(): void
}

export interface Callbacks {
  /** Returns a place for the events of one subscription. */
  add(receiver: CallbackReceiver): CallbackPlace
  /** Handles the requests of subgraphs. */
  readonly listener: RequestListener
}

interface Registered {
  readonly receiver: CallbackReceiver
  readonly verifier: string
}

interface Reply {
  readonly status: 204 | 400 | 401 | 404 | 413
  readonly text?: string
}

const protocol = 'callback/1.0'
const notFound: Reply = { status: 404, text: 'No subscription has this id' }

/** @param publicUrl where subgraphs reach the listener: the id of the subscription follows its path */
export function openCallbacks(publicUrl: string): Callbacks {
  const places = new Map<string, Registered>()
  const base = publicUrl.replace(/\/$/, '')
  const prefix = `${new URL(base).pathname.replace(/\/$/, '')}/`

  return {
    add(receiver) {
      const id = randomUUID()
      const verifier = randomBytes(32).toString('base64url')
      places.set(id, { receiver, verifier })
      return { id, verifier, url: `${base}/${id}`, remove: () => void places.delete(id) }
    },
    listener(request, response) {
      reply(request).then(
        ({ status, text }) => {
          const type = text === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8' }
          response.writeHead(status, { 'subscription-protocol': protocol, ...type }).end(text)
        },
        // The subgraph has gone away.
        () => response.destroy(),
      )
    },
  }

  async function reply(request: IncomingMessage): Promise<Reply> {
    const { url = '', method } = request
    const id = url.startsWith(prefix) && method === 'POST' ? url.slice(prefix.length) : ''
    const place = places.get(id)
    // Without an id that exists, nothing is read.
    if (!place) return notFound
    const body = await bodyWithin(request, place.receiver.eventLimit)
    // It may have ended meanwhile.
    if (places.get(id) !== place) return notFound
    if (!body) {
      place.receiver.tooLarge()
      return { status: 413, text: 'The message is larger than the limit for responses' }
    }
    return deliver(id, place, body)
  }
}

const members = ['kind', 'action', 'id', 'verifier', 'payload', 'errors'] as const

function deliver(id: string, { receiver, verifier }: Registered, body: Buffer): Reply {
  const message = jsonMembers(body, members)
  if (!message) return refused('The message must be a JSON object')
  if (!isSame(textOf(message.verifier), verifier)) {
    return { status: 401, text: 'The verifier is not that of the subscription' }
  }
  if (textOf(message.kind) !== 'subscription') return refused('The kind must be "subscription"')
  if (textOf(message.id) !== id) return refused('The id must be that of the URL')
  switch (textOf(message.action)) {
    case 'check':
      receiver.checked()
      return accepted
    case 'next':
      if (!message.payload) return refused('The action "next" must have a payload')
      receiver.next(message.payload)
      return accepted
    case 'complete':
      receiver.ended(message.errors)
      return accepted
    default:
      return refused('The action must be "check", "next" or "complete"')
  }
}

const accepted: Reply = { status: 204 }

function refused(text: string): Reply {
  return { status: 400, text }
}

function textOf(bytes: Buffer | undefined): string {
  const value: unknown = bytes && JSON.parse(bytes.toString())
  return typeof value === 'string' ? value : ''
}

/** Compares in constant time, whatever the lengths are. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(one), digest(other))
}

class TooLarge extends Error {}

async function bodyWithin(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await readBody(request, limit, (size) => new TooLarge(size)))
  } catch (cause) {
    if (cause instanceof TooLarge) return undefined
    throw cause
  }
}
