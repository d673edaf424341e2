/** The messages of the protocol graphql-transport-ws that clients send, read from their text. */
import { isObject } from '../values/json.ts'

export type ClientMessage =
  | { readonly type: 'connection_init'; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly type: 'ping'; readonly payload: unknown }
  | { readonly type: 'pong' }
  | {
      readonly type: 'subscribe'
      readonly id: string
      readonly payload: Readonly<Record<string, unknown>>
    }
  | { readonly type: 'complete'; readonly id: string }

/** The longest id of an operation, in characters: it is sent back with each event. */
const longestId = 256

const noPayload = {}

/** Returns the message, or what is wrong with it. */
export function readClientMessage(text: string): ClientMessage | { readonly fault: string } {
  const message = parsed(text)
  if (!isObject(message)) return { fault: 'A message must be a JSON object' }
  const { type, id, payload } = message
  switch (type) {
    case 'connection_init':
      if (payload !== undefined && payload !== null && !isObject(payload)) {
        return { fault: 'The payload of connection_init must be an object' }
      }
      return { type, payload: payload ?? noPayload }
    case 'ping':
      return { type, payload }
    case 'pong':
      return { type }
    case 'subscribe':
      if (!isId(id)) return { fault: faultOfId }
      if (!isObject(payload)) return { fault: 'The payload of subscribe must be an object' }
      return { type, id, payload }
    case 'complete':
      return isId(id) ? { type, id } : { fault: faultOfId }
    default:
      return { fault: 'The message has no type that clients may send' }
  }
}

const faultOfId = `The id must be a string of 1 to ${longestId} characters`

function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= longestId
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
