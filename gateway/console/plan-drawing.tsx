/** How an operation is executed: its steps, the requests that were sent for them, its cost and its limits. */
import { useState } from 'preact/hooks'
import type { Exchange } from './graph.ts'
import type { GraphResult } from './graph-result.ts'
import { fetchesIn, knownPlan, planIn } from './plan.ts'
import type { KnownPlan, Plan, RecordedFetch } from './plan.ts'
import { PlanLimits } from './plan-limits.tsx'
import { PlanRequests } from './plan-requests.tsx'
import { PlanSteps } from './plan-steps.tsx'

export interface PlanDrawingProps {
  readonly exchange: Exchange | undefined
  /** Plans the operation without executing it. */
  readonly onPlan: () => void
}

/** The part "Plan". */
export function PlanDrawing({ exchange, onPlan }: PlanDrawingProps) {
  return (
    <>
      <p class="actions">
        <button type="button" onClick={onPlan}>
          Plan without running
        </button>
        {!exchange && <span class="hint">Or run the operation to see what is sent as well.</span>}
      </p>
      {exchange?.events ? (
        <PlanOfEvents exchange={exchange} events={exchange.events} />
      ) : (
        exchange && <PlanOf result={exchange.result} sent={fetchesIn(exchange.result)} />
      )}
    </>
  )
}

interface PlanOfEventsProps {
  readonly exchange: Exchange
  readonly events: readonly GraphResult[]
}

/** The plan of a subscription, with the requests of one of its events. */
function PlanOfEvents({ exchange: { result }, events }: PlanOfEventsProps) {
  const [chosen, setChosen] = useState<GraphResult | undefined>(undefined)
  const event = chosen && events.includes(chosen) ? chosen : events[0]
  return (
    <>
      {events.length > 0 && (
        <label>
          What is sent for{' '}
          <select
            value={event === events[0] ? 0 : events.indexOf(event!)}
            onChange={({ currentTarget: { selectedIndex } }) =>
              setChosen(selectedIndex === 0 ? undefined : events[selectedIndex])
            }
          >
            {events.map((_, at) => (
              <option key={at} value={at}>
                {at === 0 ? 'the last event' : `the last event but ${at}`}
              </option>
            ))}
          </select>
        </label>
      )}
      <PlanOf result={result} sent={event && fetchesIn(event)} />
    </>
  )
}

interface PlanOfProps {
  readonly result: GraphResult
  /** Undefined: it has not been executed, or what was sent is not explained. */
  readonly sent: readonly RecordedFetch[] | undefined
}

function PlanOf({ result, sent }: PlanOfProps) {
  const plan = planIn(result)
  if (!plan && !sent) return <p class="hint">{whyUnknown(result)}</p>
  const known = knownPlan(plan ?? { steps: null, deferred: [] }, sent ?? [])
  return (
    <>
      {plan && <Figure plan={plan} known={known} hasRun={sent !== undefined} />}
      {sent && sent.length > 0 && <PlanRequests sent={sent} known={known} />}
      <PlanLimits result={result} />
    </>
  )
}

function whyUnknown({ errors: [error] = [], data, extensions }: GraphResult): string {
  if (error && data === undefined) return `Nothing was planned. ${error.message}`
  return extensions?.['plan'] === null
    ? 'With `engine: apollo`, the gateway does not know its plans.'
    : 'The gateway does not explain to this identity how it executes operations.'
}

function Figure({ plan, known, hasRun }: { plan: Plan; known: KnownPlan; hasRun: boolean }) {
  const { steps, deferred } = plan
  return (
    <>
      <h3>Steps</h3>
      <figure class="drawing">
        <figcaption>{summaryOf(known)}</figcaption>
        {known.size > 0 && <PlanSteps steps={steps} known={known} hasRun={hasRun} />}
        {deferred.map(({ label, path, steps }, at) => (
          <section key={at} class="later" aria-label={`Sent later: ${label ?? `part ${at + 1}`}`}>
            <h3>
              Sent later: {label ?? `part ${at + 1}`}
              {path.length > 0 && (
                <>
                  , at <code>{path.join('.')}</code>
                </>
              )}
            </h3>
            <PlanSteps steps={steps} known={known} hasRun={hasRun} />
          </section>
        ))}
      </figure>
    </>
  )
}

function summaryOf(known: KnownPlan): string {
  const subgraphs = new Set([...known.keys()].map(({ subgraph }) => subgraph))
  const steps = [...known.values()].filter(({ isRepeated }) => !isRepeated).length
  if (steps === 0) return 'No subgraph is asked.'
  return `${counted(steps, 'step')}, ${counted(subgraphs.size, 'subgraph')}`
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}
