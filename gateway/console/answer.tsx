/** The response of the graph. */
import type { Exchange } from './graph.ts'

/** How many characters of a response are shown. */
const mostShown = 200_000

/** The part "Answer". */
export function Answer({ name, exchange }: { name: string; exchange: Exchange | undefined }) {
  return (
    <section class="answer" aria-labelledby="answer">
      <h2 id="answer">Answer</h2>
      {exchange ? (
        <>
          <p class="hint">
            {name}: {exchange.status === 0 ? 'no response' : `HTTP ${exchange.status}`} in{' '}
            {exchange.milliseconds.toFixed(0)} ms
          </p>
          <pre tabIndex={0} role="region" aria-label="Response">
            {textOf(exchange)}
          </pre>
        </>
      ) : (
        <p class="hint">Run the operation to see the response.</p>
      )}
    </section>
  )
}

/** Returns the response without what the other parts of the page show. */
function textOf({ result }: Exchange): string {
  const { extensions = {}, ...rest } = result
  const { authorization: _decision, fetches: _plan, ...others } = extensions
  const shown = Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest
  const text = JSON.stringify(shown, null, 2)
  const left = text.length - mostShown
  return left > 0 ? `${text.slice(0, mostShown)}\n... and ${left} characters more` : text
}
