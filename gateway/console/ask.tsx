/** What is asked: the operation and its variables. */
import type { ReadSchema } from './schema-of.ts'
import { TakeAlong } from './take-along.tsx'
import { GraphqlEditor } from './graphql-editor.tsx'

export interface AskProps {
  readonly query: string
  /** What the editor begins with, until it is another object. */
  readonly given: { readonly text: string }
  readonly variables: string
  readonly schema: ReadSchema | undefined
  readonly nonce: string
  /** Why the operation cannot be sent. */
  readonly problem: string
  /** What was run before, the last first. */
  readonly history: readonly string[]
  /** The address of the graph. */
  readonly url: URL
  /** Whether there are other identities to compare with. */
  readonly canCompare: boolean
  readonly onQuery: (query: string) => void
  /** Called with an operation that replaces the one in the editor. */
  readonly onReplace: (query: string) => void
  readonly onVariables: (variables: string) => void
  readonly onRun: () => void
  readonly onCompare: () => void
}

/** The part "Ask". */
export function Ask(props: AskProps) {
  const { query, variables, schema, nonce, problem, history, url, canCompare } = props
  return (
    <section class="ask" aria-labelledby="ask">
      <h2 id="ask">Ask</h2>
      <GraphqlEditor
        label="Operation"
        given={props.given}
        schema={schema?.outcome === 'read' ? schema.schema : undefined}
        nonce={nonce}
        onChange={props.onQuery}
        onRun={props.onRun}
      />
      {schema?.outcome === 'refused' && (
        <p class="hint">No completion: this identity may not read the schema. {schema.why}</p>
      )}
      <label class="variables">
        Variables, as JSON
        <textarea
          rows={3}
          spellcheck={false}
          value={variables}
          onInput={(event) => props.onVariables(event.currentTarget.value)}
        />
      </label>
      <p class="actions">
        <button type="button" class="main" onClick={props.onRun}>
          Run
        </button>
        {canCompare && (
          <button type="button" onClick={props.onCompare}>
            Compare all identities
          </button>
        )}
        <span class="hint">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, <kbd>Ctrl</kbd> <kbd>Space</kbd> completes
        </span>
      </p>
      <p class="problem" role="alert">
        {problem}
      </p>
      <TakeAlong query={query} variables={variables} url={url} />
      {history.length > 0 && (
        <details>
          <summary>History</summary>
          <ul class="history">
            {history.map((run) => (
              <li key={run}>
                <button type="button" onClick={() => props.onReplace(run)}>
                  {run.replaceAll(/\s+/g, ' ').slice(0, 100)}
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}
