/** The operations that are being written: one per tab of the part "Ask", each with what it got. */
import { useLayoutEffect, useState } from 'preact/hooks'
import type { Exchange, Operation } from './graph.ts'
import type { Identity } from './identities.ts'
import { keepDrafts, readDrafts } from './kept-drafts.ts'
import { operationIn } from './operation-link.ts'
import type { LinkedOperation } from './operation-link.ts'

export interface Draft {
  readonly id: string
  readonly query: string
  readonly variables: string
  /** What the editor begins with; another object replaces what has been written. */
  readonly given: { readonly text: string }
  readonly runs: Runs
}

/** One operation, and what each identity got for it. */
export interface Runs {
  readonly operation: Operation | undefined
  readonly exchanges: ReadonlyMap<string, Exchange>
}

export interface Drafts {
  /** At least one. */
  readonly all: readonly Draft[]
  readonly chosen: Draft
  readonly isFull: boolean
  choose(id: string): void
  /** Adds an empty draft, and chooses it. */
  add(): void
  /** Removes the chosen draft, unless it is the only one. */
  close(): void
  /** Changes the chosen draft. */
  write(change: Partial<Pick<Draft, 'query' | 'variables' | 'given'>>): void
  /** Keeps what an identity got for the operation of a draft. */
  keep(id: string, operation: Operation, identity: Identity, exchange: Exchange): void
}

/** As many as fit beside each other. */
const most = 10

/** What the first draft of a tab begins with. */
const smallest = { query: '{\n  __typename\n}\n', variables: '' }

interface DraftState {
  readonly all: readonly Draft[]
  readonly chosenId: string
}

/**
 * Returns the drafts: those that the tab had before it was reloaded, and the one that the link carries.
 *
 * @param fragment of the address of the page
 */
export function useDrafts(storage: Storage, fragment: string): Drafts {
  const [state, setState] = useState(() => firstState(storage, fragment))
  const { all } = state
  useLayoutEffect(() => {
    const at = all.findIndex(({ id }) => id === state.chosenId)
    keepDrafts(storage, { operations: all, chosen: at, fragment })
  }, [state])
  const chosen = all.find(({ id }) => id === state.chosenId) ?? all[0]!
  const isFull = all.length >= most
  const change = (id: string, changed: (draft: Draft) => Draft) =>
    setState(({ all, chosenId }) => ({
      all: all.map((draft) => (draft.id === id ? changed(draft) : draft)),
      chosenId,
    }))

  return {
    all,
    chosen,
    isFull,
    choose(id) {
      // The editor of a draft is made anew, with what has been written in it.
      change(id, (draft) => ({ ...draft, given: { text: draft.query } }))
      setState(({ all }) => ({ all, chosenId: id }))
    },
    add() {
      if (isFull) return
      const draft = draftOf({ query: '', variables: '' })
      setState(({ all }) => ({ all: [...all, draft], chosenId: draft.id }))
    },
    close() {
      if (all.length === 1) return
      const rest = all.filter(({ id }) => id !== chosen.id)
      const next = rest[Math.max(0, all.indexOf(chosen) - 1)]!
      const given = { text: next.query }
      setState({
        all: rest.map((draft) => (draft === next ? { ...draft, given } : draft)),
        chosenId: next.id,
      })
    },
    write(written) {
      change(chosen.id, (draft) => ({ ...draft, ...written }))
    },
    keep(id, operation, identity, exchange) {
      change(id, (draft) => ({
        ...draft,
        runs: withExchange(draft.runs, operation, identity, exchange),
      }))
    },
  }
}

/** Returns the name of an operation, or its first field: what its tab is called. */
export function nameOf({ query }: Draft): string {
  const name = /\b(?:query|mutation|subscription)\s+(\w+)/.exec(query) ?? /{\s*(\w+)/.exec(query)
  return name?.[1]!.slice(0, 30) ?? 'new'
}

function firstState(storage: Storage, fragment: string): DraftState {
  const before = readDrafts(storage)
  const all = (before?.operations ?? []).slice(0, most).map(draftOf)
  // The operation of a link that was open before is among them, as it has been changed since.
  const isNew = fragment !== before?.fragment
  const linked = isNew ? operationIn(fragment) : undefined
  const same = linked && all.find((draft) => isSame(draft, linked))
  const chosen = same ?? (linked ? undefined : (all[before?.chosen ?? 0] ?? all[0]))
  if (chosen) return { all, chosenId: chosen.id }
  const draft = draftOf(linked ?? smallest)
  return { all: [...all.slice(0, most - 1), draft], chosenId: draft.id }
}

function isSame(one: LinkedOperation, other: LinkedOperation): boolean {
  return one.query === other.query && one.variables === other.variables
}

function draftOf({ query, variables }: LinkedOperation): Draft {
  const runs = { operation: undefined, exchanges: new Map() }
  return { id: crypto.randomUUID(), query, variables, given: { text: query }, runs }
}

function withExchange(
  { operation: before, exchanges }: Runs,
  operation: Operation,
  { id }: Identity,
  exchange: Exchange,
): Runs {
  const isSame = JSON.stringify(before) === JSON.stringify(operation)
  return { operation, exchanges: new Map([...(isSame ? exchanges : []), [id, exchange]]) }
}
