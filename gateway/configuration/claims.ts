import { z } from 'zod'
import type { ClaimRules } from '../authentication/select-claims.ts'
import { claimName, flag, text, together } from './values.ts'
import type { Problem } from './values.ts'

/** Headers of the transport, and headers that the gateway writes itself. */
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
  .describe(
    'How the claims header is signed. HS256: with a key shared with the subgraph; EdDSA: subgraphs verify it with the public key set',
  )

const claimNames = z
  .array(claimName())
  .refine((list) => new Set(list).size === list.length, { message: 'has an entry twice' })

const forwardingSchema = z.strictObject({
  forward: claimNames
    .optional()
    .describe('Which claims of claims.forward this subgraph gets; left out: all of them'),
  anonymous: flag()
    .default(false)
    .describe(
      'true: this subgraph gets every caller as an anonymous one, and different callers may share its responses',
    ),
  headers: z
    .record(headerName, claimName())
    .default({})
    .describe('Plain headers, by name, each with the claim whose value it carries'),
  signing: signing.optional(),
  client_headers: flag()
    .default(false)
    .describe("true: forward the client's IP address and User-Agent too (gateway-client-*)"),
  cookies: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'expected the name of a cookie'))
    .default([])
    .describe("The client's cookies that are forwarded to this subgraph, and that it may set"),
})

/** `claims:` of gateway.yaml: which claims are forwarded to which subgraph, and how they are signed. */
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
  anonymous?: unknown
  headers?: Readonly<Record<string, string>> | undefined
}

interface ClaimsInput {
  forward?: readonly string[]
  subgraphs?: Record<string, Forwarding | undefined>
}

/** A subgraph can only narrow the allow list, and a plain header carries only a claim that it gets. */
function checkForwarding(allowed: readonly string[], subgraph: Forwarding, problem: Problem): void {
  if (subgraph.anonymous === true) {
    const message = 'contradicts anonymous: true: leave one of them out'
    if (subgraph.forward) problem(['forward'], message)
    if (Object.keys(subgraph.headers ?? {}).length > 0) problem(['headers'], message)
    return
  }
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

/** Returns which claims of a token are forwarded, and each subgraph's own selection of them. */
export function claimRules({ forward, subgraphs }: z.output<typeof claimsSchema>): ClaimRules {
  const narrowed = Object.values(subgraphs).flatMap(({ forward }) => (forward ? [forward] : []))
  return { forward, narrowed }
}
