/** The messages of the protocol graphql-transport-ws that subgraphs send, read from their bytes. */
import { jsonMembers } from '../values/json-members.ts'

export type SubgraphMessage =
  | { readonly type: 'connection_ack' | 'ping' | 'pong' }
  | {
      readonly type: 'next' | 'error'
      readonly id: string
      /** As it was sent: numbers keep all digits. */
      readonly payload: Buffer
    }
  | { readonly type: 'complete'; readonly id: string }

const members = ['type', 'id', 'payload'] as const

/** Returns the message; undefined if the protocol does not have it. */
export function readSubgraphMessage(bytes: Buffer): SubgraphMessage | undefined {
  const message = jsonMembers(bytes, members)
  const type = textOf(message?.type)
  const id = textOf(message?.id)
  const payload = message?.payload
  switch (type) {
    case 'connection_ack':
    case 'ping':
    case 'pong':
      return { type }
    case 'next':
    case 'error':
      return id !== undefined && payload ? { type, id, payload } : undefined
    case 'complete':
      return id !== undefined ? { type, id } : undefined
    default:
      return undefined
  }
}

function textOf(bytes: Buffer | undefined): string | undefined {
  if (!bytes) return undefined
  const value: unknown = JSON.parse(bytes.toString())
  return typeof value === 'string' ? value : undefined
}
