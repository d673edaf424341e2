import { z } from 'zod'
import type { ClaimRules } from '../authentication/select-claims.ts'
import { claimName, flag, text, together } from './values.ts'
import type { Problem } from './values.ts'

/** Headers that belong to the transport, or that the gateway writes itself. */
const reservedHeaders = [
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'gateway-claims',
  'gateway-client-address',
  'gateway-client-agent',
  'host',
  'keep-alive',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

const headerName = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'expected a header name in lower case')
  .refine((name) => !reservedHeaders.includes(name), { message: 'is a header of the gateway' })

const signing = z
  .enum(['HS256', 'EdDSA'])
  .describe('HS256: a key shared with the subgraph; EdDSA: verified with the public key set')

const claimNames = z
  .array(claimName())
  .refine((list) => new Set(list).size === list.length, { message: 'has an entry twice' })

const forwardingSchema = z.strictObject({
  forward: claimNames.optional().describe('A part of claims.forward: what this subgraph gets'),
  headers: z
    .record(headerName, claimName())
    .default({})
    .describe('Plain headers, each with the claim whose value it carries'),
  signing: signing.optional(),
  client: flag()
    .default(false)
    .describe("Tell the client's address and User-Agent too, as the auth subgraph needs them"),
  cookies: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'expected the name of a cookie'))
    .default([])
    .describe("The client's cookies that this subgraph gets, and may set"),
})

/** Which claims leave the gateway, to whom, signed how. */
export const claimsSchema = z
  .strictObject({
    forward: claimNames
      .default(['sub', 'scope', 'name'])
      .describe('The allow list: no other claim of a token is ever forwarded'),
    signing: signing.default('HS256'),
    subgraphs: z.record(text(), forwardingSchema).default({}),
  })
  .prefault({})
  .check(
    together<ClaimsInput>(({ forward, subgraphs }, problem) => {
      if (!Array.isArray(forward) || typeof subgraphs !== 'object' || subgraphs === null) return
      for (const [name, subgraph] of Object.entries(subgraphs)) {
        checkForwarding(forward, subgraph ?? {}, (path, message) =>
          problem(['subgraphs', name, ...path], message),
        )
      }
    }),
  )

interface Forwarding {
  forward?: readonly string[] | undefined
  headers?: Readonly<Record<string, string>> | undefined
}

interface ClaimsInput {
  forward?: readonly string[]
  subgraphs?: Record<string, Forwarding | undefined>
}

/** A subgraph can only narrow what is forwarded, and a plain header shows only what it gets. */
function checkForwarding(allowed: readonly string[], subgraph: Forwarding, problem: Problem): void {
  const own = Array.isArray(subgraph.forward) ? subgraph.forward : allowed
  own.forEach((claim, index) => {
    if (allowed.includes(claim)) return
    const message = 'is not in claims.forward, which a subgraph can only narrow'
    problem(['forward', index], message)
  })
  for (const [header, claim] of Object.entries(subgraph.headers ?? {})) {
    if (claim === 'sub' || own.includes(claim)) continue
    problem(['headers', header], 'carries a claim that is not forwarded to this subgraph')
  }
}

/** Returns which claims of a token go further, and each subgraph's own selection of them. */
export function claimRules({ forward, subgraphs }: z.output<typeof claimsSchema>): ClaimRules {
  const narrowed = Object.values(subgraphs).flatMap(({ forward }) => (forward ? [forward] : []))
  return { forward, narrowed }
}
