/** What decides about `@policy`: functions of the operator, or a service, called once for each request. */
import { pathToFileURL } from 'node:url'
import { request } from 'undici'
import { readBody } from '../values/read-body.ts'
import { within } from '../values/within.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** What a decision about policies may depend on. */
export interface PolicyQuestion {
  /** The policies that the operation references. */
  readonly policies: readonly string[]
  /** All verified claims, whether or not they are forwarded; null for an anonymous caller. */
  readonly claims: Claims | null
  readonly operationName?: string | null | undefined
}

/** A decider, and what it can decide. */
export interface PolicyDecider {
  readonly decide: DecidePolicies
  /** Whether it knows the policy: an unknown one is denied to every caller. */
  readonly knows: (policy: string) => boolean
}

/**
 * Returns those that decided in favour of the request. It never rejects: a failure is a denial.
 *
 * @param requestId names the request in the log and for the policy service
 */
export type DecidePolicies = (
  question: PolicyQuestion,
  requestId?: string,
) => Promise<ReadonlySet<string>>

/** One policy of a module; anything but `true` is a denial. */
export type Policy = (question: {
  readonly claims: Claims | null
  readonly operationName?: string | null | undefined
}) => boolean | Promise<boolean>

/** How long deciding may take, and where its failures are reported. */
export interface PolicyOptions {
  /** How long a decision may take, in milliseconds; after that it is a denial. */
  readonly timeout: number
  /** Called with the reason if a policy could not decide. */
  readonly onFailure: (policy: string, reason: Error, requestId?: string) => void
}

/** In bytes: names of policies, and nothing else. */
const maxResponseSize = 64 * 1024

const none: ReadonlySet<string> = new Set()

/** For a gateway without policies configured: each one denies. */
export const noPolicies: PolicyDecider = { decide: async () => none, knows: () => false }

/**
 * Returns the policies of a module, whose default export has a function for each name:
 *
 *   export default { 'is a doctor': ({ claims }) => claims?.role === 'doctor' }
 */
export async function readPolicyModule(path: string): Promise<ReadonlyMap<string, Policy>> {
  const module = await import(pathToFileURL(path).href).catch((cause: Error) => {
    throw new StartFailure(`the policies ${path} cannot be loaded: ${cause.message}`, {
      cause,
    })
  })
  const policies: unknown = module.default
  if (typeof policies !== 'object' || policies === null) {
    throw new StartFailure(
      `the policies ${path} have no default export: export default { name: ({ claims }) => true }`,
    )
  }
  for (const [name, policy] of Object.entries(policies)) {
    if (typeof policy !== 'function') {
      throw new StartFailure(`the policy ${JSON.stringify(name)} in ${path} is no function`)
    }
  }
  return new Map(Object.entries(policies))
}

/** Returns the decider that calls all functions in parallel. */
export function policyFunctions(
  policies: ReadonlyMap<string, Policy>,
  { timeout, onFailure }: PolicyOptions,
): PolicyDecider {
  return { decide: decideAll, knows: (name) => policies.has(name) }

  async function decideAll(
    { policies: names, claims, operationName }: PolicyQuestion,
    requestId?: string,
  ) {
    const decisions = await Promise.all(names.map(decide))
    return new Set(names.filter((_name, index) => decisions[index]))

    async function decide(name: string): Promise<boolean> {
      try {
        const policy = policies.get(name)
        if (!policy) throw new Error('there is no such policy')
        const decision = policy({ claims, operationName })
        return (await within(timeout, Promise.resolve(decision), 'decision')) === true
      } catch (reason) {
        onFailure(name, reason as Error, requestId)
        return false
      }
    }
  }
}

/**
 * Returns the decider that is a service. It is sent `{ policies, claims, operationName }` and responds
 * `{ granted: ["..."] }`; a policy that was not in the request counts for nothing.
 */
export function policyService(url: string, { timeout, onFailure }: PolicyOptions): PolicyDecider {
  return { decide, knows: () => true }

  async function decide(
    question: PolicyQuestion,
    requestId?: string,
  ): Promise<ReadonlySet<string>> {
    if (question.policies.length === 0) return none
    try {
      const granted = await ask(url, question, { timeout, requestId })
      return new Set(question.policies.filter((name) => granted.includes(name)))
    } catch (reason) {
      for (const name of question.policies) onFailure(name, reason as Error, requestId)
      return none
    }
  }
}

async function ask(
  url: string,
  question: PolicyQuestion,
  { timeout, requestId }: { timeout: number; requestId: string | undefined },
): Promise<unknown[]> {
  const response = await request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    },
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(timeout),
  })
  const text = await readBody(response.body, maxResponseSize, tooLarge)
  if (response.statusCode !== 200)
    throw new Error(`the policy service responded with status ${response.statusCode}`)
  const { granted } = Object(JSON.parse(text)) as { granted?: unknown }
  if (!Array.isArray(granted))
    throw new Error('the policy service responded without a list `granted`')
  return granted
}

function tooLarge(size: string): Error {
  return new Error(`the policy service responded with ${size}`)
}
