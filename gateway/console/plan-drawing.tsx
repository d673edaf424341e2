/** The requests to subgraphs that an operation took: which, when, and with which claims. */
import type { Exchange } from './graph.ts'
import { Json } from './json.tsx'

/** A request to a subgraph: see recorded-fetches.ts of the gateway. */
interface RecordedFetch {
  readonly subgraph: string
  readonly query: string
  readonly variables?: { readonly representations?: readonly Readonly<Record<string, unknown>>[] }
  readonly start: number
  readonly milliseconds: number
  readonly outcome: string
  readonly claimsHeader: unknown
}

/** The part "Plan". */
export function PlanDrawing({ exchange }: { exchange: Exchange | undefined }) {
  if (!exchange) return <p class="hint">Run the operation to see which subgraphs are asked.</p>
  const fetches = exchange.result.extensions?.['fetches']
  if (!Array.isArray(fetches)) {
    return <p class="hint">The gateway has not said which subgraphs were asked.</p>
  }
  if (fetches.length === 0) return <p>No subgraph was asked.</p>
  return <Steps fetches={fetches as RecordedFetch[]} />
}

function Steps({ fetches }: { fetches: readonly RecordedFetch[] }) {
  const end = Math.max(...fetches.map(({ start, milliseconds }) => start + milliseconds), 0.01)
  const percent = (milliseconds: number) => `${((milliseconds / end) * 100).toFixed(2)}%`
  return (
    <ol class="steps">
      {fetches.map(
        ({ subgraph, query, variables, start, milliseconds, outcome, claimsHeader }, at) => (
          <li key={at}>
            <p>
              <b>{subgraph}</b> {outcome === 'answered' ? 'responded' : `failed: ${outcome}`} in{' '}
              {milliseconds.toFixed(1)} ms, asked after {start.toFixed(1)} ms
              {joinedBy(variables?.representations)}
            </p>
            <div class="track" aria-hidden="true">
              <div
                class="bar"
                style={{ marginLeft: percent(start), width: percent(milliseconds) }}
              />
            </div>
            <details>
              <summary>Request to {subgraph}</summary>
              <h4>Operation</h4>
              <pre tabIndex={0} role="region" aria-label={`Operation for ${subgraph}`}>
                {query}
              </pre>
              {variables && <Json label={`Variables for ${subgraph}`} value={variables} />}
              <h4>Claims header, decoded</h4>
              <Json label={`Claims header for ${subgraph}`} value={claimsHeader} />
            </details>
          </li>
        ),
      )}
    </ol>
  )
}

/** An entity is fetched by its key: the representation names it. */
function joinedBy(
  representations: readonly Readonly<Record<string, unknown>>[] | undefined,
): string {
  const [first] = representations ?? []
  if (!first) return ''
  const { __typename: type, ...keys } = first
  return `, for ${representations!.length} ${String(type)} by ${Object.keys(keys).join(', ')}`
}
