/** The response of the graph. */
import type { Exchange } from './graph.ts'
import type { GraphResult } from './graph-result.ts'

/** The extensions that the parts "Decision" and "Plan" show. */
const shownElsewhere = new Set(['authorization', 'fetches', 'plan', 'limits'])

/** How many characters of a response are shown. */
const mostShown = 200_000

export interface ResponseProps {
  /** Of the identity that asks. */
  readonly name: string
  readonly exchange: Exchange | undefined
  /** Ends the subscription. */
  readonly onStop: () => void
}

/** The part "Response". */
export function ResponsePart({ name, exchange, onStop }: ResponseProps) {
  return (
    <section class="response" aria-labelledby="response">
      <h2 id="response">Response</h2>
      {exchange ? (
        <>
          <p class="hint">
            {name}: {how(exchange)} {exchange.milliseconds.toFixed(0)} ms
          </p>
          {exchange.events && exchange.isOpen && (
            <p class="actions">
              <button type="button" onClick={onStop}>
                Stop
              </button>
            </p>
          )}
          <pre tabIndex={0} role="region" aria-label="JSON of the response">
            {textOf(exchange)}
          </pre>
        </>
      ) : (
        <p class="hint">Run the operation to see the response.</p>
      )}
    </section>
  )
}

function how({ status, events, isOpen, isPlanOnly }: Exchange): string {
  if (isPlanOnly && status === 200) return 'planned, not run, in'
  if (events) return `${events.length} events, ${isOpen ? 'listening for' : 'ended after'}`
  if (status === 0) return 'no response in'
  return isOpen ? `HTTP ${status}, parts so far in` : `HTTP ${status} in`
}

/** Returns the response without what the other parts of the page show. */
function textOf({ result, events }: Exchange): string {
  return shortened((events ?? [result]).map(jsonOf).join('\n\n'))
}

function jsonOf(result: GraphResult): string {
  const { extensions = {}, ...rest } = result
  const others = Object.fromEntries(
    Object.entries(extensions).filter(([name]) => !shownElsewhere.has(name)),
  )
  const shown = Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest
  return JSON.stringify(shown, null, 2)
}

function shortened(text: string): string {
  const left = text.length - mostShown
  return left > 0 ? `${text.slice(0, mostShown)}\n... and ${left} characters more` : text
}
