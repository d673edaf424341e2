/** The text output of `npm run explain`. */
import type { AuthorizedOperation } from '../../gateway/authorization/decisions.ts'
import type { AuthorizationOptions } from '../../gateway/authorization/authorization-options.ts'
import type { Challenge } from '../../gateway/authorization/challenge.ts'
import type { Declaration } from '../../gateway/authorization/declarations.ts'
import type {
  ExplainedField,
  ExplainedRequirement,
} from '../../gateway/authorization/explain-operation.ts'
import type { ExplainedStep } from '../../gateway/execution/explain-plan.ts'
import { limitsText } from './limits-of.ts'
import type { ExplainedLimits } from './limits-of.ts'
import { planText } from './plan-text.ts'
import { subscriptionText } from './explain-subscription.ts'
import type { ExplainedSubscription } from './explain-subscription.ts'

/** The result of `npm run explain` for one operation and one caller. */
export interface Explanation {
  readonly caller: { subject: string; scopes: readonly string[] } | 'anonymous'
  readonly mode: AuthorizationOptions['mode']
  readonly mutations: AuthorizationOptions['mutations']
  readonly decision: AuthorizedOperation['outcome']
  readonly fields: readonly ExplainedField[]
  /** The operation that would be planned and executed. */
  readonly executed: string | null
  /** How it is executed, as `extensions.plan` of a response has it; null if nothing is fetched. */
  readonly plan: ExplainedStep | null
  /** The same, if it is a subscription. */
  readonly subscription: ExplainedSubscription | null
  readonly limits: ExplainedLimits
  /** The response to the client if nothing is executed. */
  readonly response: Refusal | null
  /** Which login, or which scopes, would be sufficient. */
  readonly challenge: Challenge | null
}

/** The response if nothing is executed. */
export interface Refusal {
  /** `extensions.code` of its errors. */
  readonly code: string
  /** The HTTP status by the media type that the client accepts. */
  readonly status: {
    readonly 'application/graphql-response+json': number
    readonly 'application/json': number
  }
}

/** Returns the lines for a terminal. */
export function explanationText(explanation: Explanation): string {
  const { caller, fields } = explanation
  const who =
    caller === 'anonymous'
      ? 'anonymous'
      : `${caller.subject}, scopes: ${caller.scopes.join(' ') || 'none'}`
  const width = Math.max(0, ...fields.map(({ path }) => labelOf(path).length)) + 2
  const lines = fields.flatMap((field) => {
    const [first = '', ...more] = field.requirements.map(requirementText)
    const label = labelOf(field.path).padEnd(width)
    const indent = ' '.repeat(width + 13)
    return [
      `${label}${field.decision.padEnd(13)}${first}`.trimEnd(),
      ...more.map((text) => indent + text),
    ]
  })
  const { subscription, plan, executed, limits } = explanation
  const decided = [`Caller: ${who}`, '', ...lines, '', ...conclusion(explanation)]
  if (executed === null) return decided.join('\n')
  const steps = subscription ? subscriptionText(subscription) : planText(plan)
  return [...decided, '', ...steps, '', ...limitsText(limits)].join('\n')
}

function labelOf(path: readonly string[]): string {
  return `${'  '.repeat(path.length - 1)}${path.at(-1)}`
}

function requirementText(requirement: ExplainedRequirement): string {
  const { directive, met, because, at, declaredIn } = requirement
  const mark = met ? 'met:  ' : 'lacks:'
  const places = declaredIn.map(placeText).join(', ')
  if (because === 'the default') return `${mark} a token, since ${at} is not marked @public`
  const reason = because === 'the field' ? '' : `, ${because}`
  return `${mark} ${directive} on ${at}${reason} (${places || 'copied there by composition'})`
}

function placeText({ subgraph, file, line }: Declaration): string {
  return file === undefined ? subgraph : `${subgraph}, ${file}${line ? `:${line}` : ''}`
}

function conclusion({
  mode,
  decision,
  fields,
  executed,
  response,
  challenge,
}: Explanation): string[] {
  if (response) {
    return [
      `Decision: nothing is executed, since ${reasonFor(decision, mode)}.`,
      ...responseText(response),
      ...(challenge ? enough(challenge) : []),
    ]
  }
  if (decision === 'reduced') return ['Decision: reduced. What is executed:', '', executed ?? '']
  const denied = fields.filter((field) => field.decision === 'denied').length
  if (mode === 'dry_run' && denied > 0) {
    return [
      'Decision: the complete operation is executed, since the mode is dry_run: the denied fields are only reported.',
    ]
  }
  return ['Decision: the complete operation is executed.']
}

function reasonFor(decision: AuthorizedOperation['outcome'], mode: Explanation['mode']): string {
  if (decision === 'nothing left') return 'each of its root fields is denied'
  if (mode === 'reject') return 'the mode is reject, and a field of it is denied'
  return 'a mutation is all or nothing, and a root field of it is denied'
}

function responseText({ code, status }: Refusal): string[] {
  const [graphqlResponse, plainJson] = [
    status['application/graphql-response+json'],
    status['application/json'],
  ]
  return [
    `Response: ${code}; HTTP status ${graphqlResponse} for application/graphql-response+json, ${plainJson} for application/json.`,
  ]
}

/** What would be sufficient for the caller, if that is known. */
function enough(challenge: Challenge): string[] {
  const scopes = 'scopes' in challenge ? challenge.scopes : []
  return [
    ...(scopes.length > 0
      ? [`A token with these scopes would be sufficient: ${scopes.join(' ')}`]
      : []),
    ...('login' in challenge
      ? [`Another login would be sufficient: ${loginText(challenge.login)}`]
      : []),
  ]
}

function loginText({ acrValues, maxAge }: Extract<Challenge, { login: unknown }>['login']): string {
  const parts = [
    ...(acrValues.length > 0 ? [`acr ${acrValues.join(' or ')}`] : []),
    ...(maxAge === undefined ? [] : [`at most ${maxAge} s ago`]),
  ]
  return parts.join(', ')
}
