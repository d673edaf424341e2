/** How an operation is executed, as the gateway explains it: see explanations.ts and recorded-fetches.ts of the gateway. */
import type { GraphResult } from './graph-result.ts'

export interface Plan {
  readonly steps: PlanStep | null
  readonly deferred: readonly DeferredPart[]
}

export interface DeferredPart {
  readonly label: string | null
  readonly path: readonly string[]
  readonly steps: PlanStep | null
}

export type PlanStep = PlanFetch | PlanSteps | PlanCondition

export interface PlanFetch {
  readonly kind: 'Fetch'
  readonly subgraph: string
  readonly operationKind: 'query' | 'mutation' | 'subscription'
  readonly path: readonly string[]
  readonly representations: readonly { readonly type: string; readonly fields: string }[]
  readonly operation: string
  readonly variables: readonly string[]
  readonly isBatched: boolean
}

export interface PlanSteps {
  readonly kind: 'Sequence' | 'Parallel'
  readonly steps: readonly PlanStep[]
}

export interface PlanCondition {
  readonly kind: 'Condition'
  readonly variable: string
  readonly then: PlanStep | null
  readonly otherwise: PlanStep | null
}

/** A request to a subgraph that was sent. */
export interface RecordedFetch {
  readonly subgraph: string
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly start: number
  readonly milliseconds: number
  readonly outcome: string
  readonly claimsHeader: unknown
}

/** Returns the plan in a response; undefined where the gateway does not explain it. */
export function planIn({ extensions }: GraphResult): Plan | undefined {
  return (extensions?.['plan'] as Plan | null | undefined) ?? undefined
}

/** Returns the requests that were sent for a response; undefined where the gateway does not list them. */
export function fetchesIn({ extensions }: GraphResult): readonly RecordedFetch[] | undefined {
  const fetches = extensions?.['fetches']
  return Array.isArray(fetches) ? (fetches as RecordedFetch[]) : undefined
}

/** A step with what is known of it. */
export interface KnownFetch {
  /** From 1, in the order of the plan. */
  readonly number: number
  /** The requests that were sent for it: one for each context of `@fromContext`, usually one. */
  readonly requests: readonly RecordedFetch[]
  /** Whether it is a step of an earlier part, too: it is not sent again. */
  readonly isRepeated: boolean
}

/** The steps of a plan with what is known of them. */
export type KnownPlan = ReadonlyMap<PlanFetch, KnownFetch>

/** Returns which request was sent for which step. */
export function knownPlan({ steps, deferred }: Plan, sent: readonly RecordedFetch[]): KnownPlan {
  const parts = [steps, ...deferred.map((part) => part.steps)]
  const numbers = new Map<string, number>()
  const ofText = new Map<string, PlanFetch[]>()
  const fetches = new Map<PlanFetch, KnownFetch>()
  for (const fetch of parts.flatMap(fetchesOf)) {
    const place = JSON.stringify([textOf(fetch.subgraph, fetch.operation), fetch.path])
    const before = numbers.get(place)
    const number = before ?? numbers.size + 1
    numbers.set(place, number)
    fetches.set(fetch, { number, requests: [], isRepeated: before !== undefined })
    if (before !== undefined) continue
    const text = textOf(fetch.subgraph, fetch.operation)
    ofText.set(text, [...(ofText.get(text) ?? []), fetch])
  }
  for (const [text, equal] of ofText) {
    const requests = sent.filter(({ subgraph, query }) => textOf(subgraph, query) === text)
    // Equal operations for several places are told apart by their order.
    const areInOrder = equal.length > 1 && equal.length === requests.length
    equal.forEach((fetch, at) =>
      fetches.set(fetch, {
        ...fetches.get(fetch)!,
        requests: areInOrder ? [requests[at]!] : requests,
      }),
    )
  }
  const others = sent.filter(({ subgraph, query }) => !ofText.has(textOf(subgraph, query)))
  for (const [fetch, known] of fetches) {
    if (!fetch.isBatched || known.requests.length > 0) continue
    const requests = others.filter((request) => hasPart(request, fetch))
    fetches.set(fetch, { ...known, requests })
  }
  return fetches
}

/** Returns whether a request for several steps has what one of them selects. */
function hasPart({ subgraph, query }: RecordedFetch, fetch: PlanFetch): boolean {
  const selection = fetch.operation.split('representations)')[1]?.slice(0, -1)
  return subgraph === fetch.subgraph && selection !== undefined && query.includes(selection)
}

/** Returns the fetches of a step, in their order. */
export function fetchesOf(step: PlanStep | null): readonly PlanFetch[] {
  if (!step) return []
  if (step.kind === 'Fetch') return [step]
  if (step.kind === 'Condition') return [...fetchesOf(step.then), ...fetchesOf(step.otherwise)]
  return step.steps.flatMap(fetchesOf)
}

function textOf(subgraph: string, operation: string): string {
  return `${subgraph}\n${operation}`
}
