/** The requests to subgraphs that were sent for an operation, on one scale of time. */
import type { KnownPlan, RecordedFetch } from './plan.ts'
import { formatted, outcomeOf, SentParts } from './plan-steps.tsx'

export interface PlanRequestsProps {
  readonly sent: readonly RecordedFetch[]
  readonly known: KnownPlan
}

/** All requests, in the order in which they were sent. */
export function PlanRequests({ sent, known }: PlanRequestsProps) {
  const end = Math.max(...sent.map(({ start, milliseconds }) => start + milliseconds), 0.01)
  const percent = (milliseconds: number) => `${((milliseconds / end) * 100).toFixed(2)}%`
  return (
    <>
      <h3>Requests that were sent</h3>
      <ol class="steps">
        {sent.map((request, at) => {
          const { subgraph, start, milliseconds } = request
          const steps = [...known.values()].filter(({ requests }) => requests.includes(request))
          const numbers = [...new Set(steps.map(({ number }) => number))]
          return (
            <li key={at}>
              <p>
                <b>{subgraph}</b> {outcomeOf(request)} {milliseconds.toFixed(1)} ms, asked after{' '}
                {start.toFixed(1)} ms{numbers.length > 0 && `, for step ${numbers.join(' and ')}`}
              </p>
              <div class="track" aria-hidden="true">
                <div
                  class="bar"
                  style={{ marginLeft: percent(start), width: percent(milliseconds) }}
                />
              </div>
              {numbers.length !== 1 && <Details request={request} number={at + 1} />}
            </li>
          )
        })}
      </ol>
    </>
  )
}

/** What the steps do not show: a request for several of them, or for none. */
function Details({ request, number }: { request: RecordedFetch; number: number }) {
  const { subgraph, query } = request
  const name = `request ${number} to ${subgraph}`
  return (
    <details>
      <summary>
        Request to {subgraph} <span class="unseen">that was sent as number {number}</span>
      </summary>
      <h4>Operation</h4>
      <pre tabIndex={0} role="region" aria-label={`Operation of ${name}`}>
        {formatted(query)}
      </pre>
      <SentParts request={request} of={name} />
    </details>
  )
}
