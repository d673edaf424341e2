/** What is asked: operations, each in its tab with its variables. */
import type { Drafts } from './drafts.ts'
import { nameOf } from './drafts.ts'
import { useChange } from './use-change.ts'
import type { ReadSchema } from './schema-of.ts'
import { TakeAlong } from './take-along.tsx'
import { GraphqlEditor } from './graphql-editor.tsx'
import { TabList } from './tab-list.tsx'
import { Problem } from './problem.tsx'

export interface AskProps {
  readonly drafts: Drafts
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
  readonly onRun: () => void
  readonly onCompare: () => void
}

/** The part "Ask". */
export function Ask(props: AskProps) {
  const { drafts, schema, nonce, problem, history, url, canCompare } = props
  const { id, query, variables, given } = drafts.chosen
  const tabs = drafts.all.map((draft) => ({ id: draft.id, name: nameOf(draft) }))
  // The button that was pressed may be gone.
  useChange(tabs.length, () => document.getElementById(`tab-${id}`)?.focus())
  return (
    <section class="ask" aria-labelledby="ask">
      <h2 id="ask">Ask</h2>
      <div class="drafts">
        <TabList label="Operations" tabs={tabs} chosen={id} onChoose={drafts.choose} />
        <button type="button" disabled={drafts.isFull} onClick={drafts.add}>
          New tab
        </button>
        {tabs.length > 1 && (
          <button type="button" onClick={drafts.close}>
            Close tab
          </button>
        )}
      </div>
      <div role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}`}>
        <GraphqlEditor
          key={id}
          label="Operation"
          given={given}
          schema={schema?.outcome === 'read' ? schema.schema : undefined}
          nonce={nonce}
          onChange={(text) => drafts.write({ query: text })}
          onRun={props.onRun}
        />
      </div>
      {schema?.outcome === 'refused' && (
        <p class="hint">No completion: this identity may not read the schema. {schema.why}</p>
      )}
      <label class="variables">
        Variables, as JSON
        <textarea
          rows={3}
          spellcheck={false}
          value={variables}
          onInput={(event) => drafts.write({ variables: event.currentTarget.value })}
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
      <Problem>{problem}</Problem>
      <TakeAlong query={query} variables={variables} url={url} />
      {history.length > 0 && (
        <details>
          <summary>History</summary>
          <ul class="history">
            {history.map((run) => (
              <li key={run}>
                <button
                  type="button"
                  onClick={() => drafts.write({ query: run, given: { text: run } })}
                >
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
