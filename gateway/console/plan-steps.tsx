/** The steps of a plan: nested lists, which say in words what their places say in the drawing. */
import { parse, print } from 'graphql'
import type { ComponentChildren } from 'preact'
import { Json } from './json.tsx'
import type { KnownPlan, PlanFetch, PlanStep, RecordedFetch } from './plan.ts'

export interface PlanStepsProps {
  readonly steps: PlanStep | null
  readonly known: KnownPlan
  /** Whether the operation has been executed, and its requests are listed. */
  readonly hasRun: boolean
}

/** The steps of an operation, or of a part of it. */
export function PlanSteps({ steps, known, hasRun }: PlanStepsProps) {
  if (!steps) return <p class="hint">No subgraph is asked.</p>
  return (
    <ol class="plan">
      <Item step={steps} known={known} hasRun={hasRun} />
    </ol>
  )
}

interface StepProps<Step extends PlanStep | null = PlanStep> {
  readonly step: Step
  readonly known: KnownPlan
  readonly hasRun: boolean
}

function Item({ step, ...given }: StepProps) {
  switch (step.kind) {
    case 'Fetch':
      return <Fetch step={step} {...given} />
    case 'Sequence':
      return (
        <li class="sequence">
          <p class="order">One after the other</p>
          <ol>
            {step.steps.map((one, at) => (
              <Item key={at} step={one} {...given} />
            ))}
          </ol>
        </li>
      )
    case 'Parallel':
      return (
        <li class="parallel">
          <p class="order">At the same time</p>
          <ul>
            {step.steps.map((one, at) => (
              <Item key={at} step={one} {...given} />
            ))}
          </ul>
        </li>
      )
    case 'Condition':
      return (
        <li class="condition">
          <Branch step={step.then} {...given}>
            If <code>${step.variable}</code> is true
          </Branch>
          <Branch step={step.otherwise} {...given}>
            If <code>${step.variable}</code> is false
          </Branch>
        </li>
      )
  }
}

function Branch({
  children,
  step,
  ...given
}: StepProps<PlanStep | null> & { children: ComponentChildren }) {
  if (!step) return null
  return (
    <>
      <p class="order">{children}</p>
      <ol>
        <Item step={step} {...given} />
      </ol>
    </>
  )
}

function Fetch({ step, known, hasRun }: StepProps<PlanFetch>) {
  const { subgraph, operationKind, path, representations, operation, isBatched } = step
  const { number, requests, isRepeated } = known.get(step)!
  if (isRepeated) {
    return (
      <li class="fetch repeated">
        <p>
          {number}. <b>{subgraph}</b>: as above, not sent again
        </p>
      </li>
    )
  }
  return (
    <li class="fetch">
      <p>
        {number}. <b>{subgraph}</b> {verbs[operationKind]}{' '}
        {path.length > 0 && (
          <>
            for <code>{placeOf(path)}</code>
          </>
        )}
      </p>
      {representations.map(({ type, fields }) => (
        <p key={type} class="join">
          finds each <code>{type}</code> by <code>{fields}</code>
        </p>
      ))}
      {isBatched && <p class="hint">In one request with the steps beside it to {subgraph}.</p>}
      {hasRun && operationKind !== 'subscription' && <Times requests={requests} />}
      <details>
        <summary>
          Request to {subgraph} <span class="unseen">of step {number}</span>
        </summary>
        <h4>Operation</h4>
        <pre tabIndex={0} role="region" aria-label={`Operation of step ${number} for ${subgraph}`}>
          {formatted(operation)}
        </pre>
        {requests.map((request, at) => (
          <SentParts key={at} request={request} of={`step ${number} for ${subgraph}`} />
        ))}
      </details>
    </li>
  )
}

const verbs = { query: 'is asked', mutation: 'changes', subscription: 'sends the events' } as const

function Times({ requests }: { requests: readonly RecordedFetch[] }) {
  if (requests.length === 0) return <p class="hint">Not sent.</p>
  return (
    <>
      {requests.map((request, at) => (
        <p key={at} class={request.outcome === 'answered' ? 'met' : 'unmet'}>
          {outcomeOf(request)} {request.milliseconds.toFixed(1)} ms, asked after{' '}
          {request.start.toFixed(1)} ms{forHowMany(request)}
        </p>
      ))}
    </>
  )
}

/** Variables and claims header of a request that was sent. */
export function SentParts({ request, of }: { request: RecordedFetch; of: string }) {
  const { variables, claimsHeader } = request
  return (
    <>
      {variables && Object.keys(variables).length > 0 && (
        <>
          <h4>Variables</h4>
          <Json label={`Variables of ${of}`} value={variables} />
        </>
      )}
      <h4>Claims header, decoded</h4>
      <Json label={`Claims header of ${of}`} value={claimsHeader} />
    </>
  )
}

/** Returns what became of a request, as the beginning of a sentence that ends with its time. */
export function outcomeOf({ outcome }: RecordedFetch): string {
  return outcome === 'answered' ? 'responded in' : `failed (${outcome}) after`
}

function forHowMany({ variables }: RecordedFetch): string {
  const representations = variables?.['representations']
  return Array.isArray(representations) ? `, for ${representations.length}` : ''
}

/** Returns the operation with line breaks; what cannot be parsed as it is. */
export function formatted(operation: string): string {
  try {
    return print(parse(operation))
  } catch {
    return operation
  }
}

/** `@` is each element of a list. */
function placeOf(path: readonly string[]): string {
  return path.join('.').replaceAll('.@', '[]')
}
