/** What the gateway explains to the page beside the graph, at its own origin. */
import { asCaller } from './credential.ts'
import type { Credential } from './credential.ts'
import { messageOf } from './graph.ts'

export type Explained<Value> =
  | { readonly outcome: 'explained'; readonly value: Value }
  | { readonly outcome: 'refused'; readonly why: string }

/** Requests an explanation: with a body by POST, otherwise by GET. */
export type RequestExplanation = <Value>(
  name: 'token' | 'graph',
  credential: Credential,
  body?: object,
) => Promise<Explained<Value>>

/** @param base the address below which the explanations are */
export function explanationsAt(base: URL): RequestExplanation {
  return async <Value>(name: string, credential: Credential, body?: object) => {
    const { credentials, headers } = asCaller(credential)
    try {
      const response = await fetch(new URL(name, base), {
        method: body ? 'POST' : 'GET',
        credentials,
        cache: 'no-store',
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const value: unknown = await response.json()
      if (response.ok) return { outcome: 'explained', value: value as Value }
      const { errors } = value as { errors?: { message: string }[] }
      return { outcome: 'refused', why: errors?.[0]?.message ?? `HTTP ${response.status}` }
    } catch (cause) {
      return { outcome: 'refused', why: `The gateway cannot be reached: ${messageOf(cause)}` }
    }
  }
}
