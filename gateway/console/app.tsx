/** The page: who asks, what is asked, what the graph responds, and what the gateway has decided. */
import { getOperationAST, parse } from 'graphql'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ResponsePart } from './response.tsx'
import { Ask } from './ask.tsx'
import { Decision } from './decision-table.tsx'
import type { RequestExplanation } from './explanations.ts'
import { GraphGuards } from './graph-guards.tsx'
import { messageOf } from './graph.ts'
import type { Exchange, Operation, SendOperation } from './graph.ts'
import type { GraphResult } from './graph-result.ts'
import type { Identity, IdentityState, IdentityStore } from './identities.ts'
import { noOffers, offersOf } from './log-in.ts'
import type { Accounts, Offers } from './log-in.ts'
import { PlanDrawing } from './plan-drawing.tsx'
import { schemaFor } from './schema-of.ts'
import type { ReadSchema } from './schema-of.ts'
import { Sessions } from './sessions.tsx'
import type { Subscribe } from './subscribe.ts'
import { Tabs } from './tabs.tsx'
import { TokenChecks } from './token-checks.tsx'
import { watchSessions } from './watch-sessions.ts'
import type { SessionEvent } from './watch-sessions.ts'
import { readHistory, withRun } from './history.ts'
import { operationIn } from './operation-link.ts'
import { variablesIn } from './variables.ts'
import { Who } from './who.tsx'

export interface AppParts {
  readonly store: IdentityStore
  readonly accounts: Accounts
  readonly send: SendOperation
  readonly subscribe: Subscribe
  readonly explain: RequestExplanation
  /** The address of the graph. */
  readonly url: URL
  readonly nonce: string
}

/** One operation, and what each identity got for it. */
interface Runs {
  readonly operation: Operation | undefined
  readonly exchanges: ReadonlyMap<string, Exchange>
}

const noRuns: Runs = { operation: undefined, exchanges: new Map() }

export function App({ store, accounts, send, subscribe, explain, url, nonce }: AppParts) {
  const state = useIdentities(store)
  const { identities, chosen } = state
  const schema = useSchema(chosen, accounts, send)
  const [offers, setOffers] = useState<Offers>(noOffers)
  const [linked] = useState(() => operationIn(location.hash))
  const [query, setQuery] = useState(linked?.query ?? '{\n  __typename\n}\n')
  const [given, setGiven] = useState({ text: query })
  const [variables, setVariables] = useState(linked?.variables ?? '')
  const [history, setHistory] = useState(() => readHistory(sessionStorage))
  const [problem, setProblem] = useState('')
  const [runs, setRuns] = useState<Runs>(noRuns)
  const events = useSessionEvents(store, accounts, subscribe)

  useEffect(() => {
    if (schema?.outcome === 'read') setOffers(offersOf(schema.schema))
  }, [schema])
  useSwitchKey(state, store)
  // Ends the subscription that is open.
  const stop = useRef(() => {})
  useEffect(() => () => stop.current(), [])
  // A query can be sent again without being asked for: after a switch, to see what the other one gets.
  useChange(chosen.id, () => {
    stop.current()
    if (runs.operation && kindOf(runs.operation) === 'query') void perform(runs.operation, [chosen])
  })

  function run(askers: readonly Identity[]): void {
    setProblem('')
    stop.current()
    try {
      const operation = { query, variables: variablesIn(variables) }
      setHistory(withRun(history, query, sessionStorage))
      void (kindOf(operation) === 'subscription' ? listen(operation) : perform(operation, askers))
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }

  async function perform(operation: Operation, askers: readonly Identity[]): Promise<void> {
    await Promise.all(
      askers.map(async (identity) => {
        const credential = await accounts.credentialOf(identity)
        const show = (exchange: Exchange) =>
          setRuns((before) => withExchange(before, operation, identity, exchange))
        const extensions = { authorization: true, fetches: true }
        show(await send(operation, credential, extensions, show))
      }),
    )
  }

  /** Shows the results of a subscription as they come, until something else is run. */
  async function listen(operation: Operation): Promise<void> {
    const start = performance.now()
    const credential = await accounts.credentialOf(chosen)
    let events: readonly GraphResult[] = []
    const show = (isOpen: boolean) => {
      const [result = {}] = events
      const milliseconds = performance.now() - start
      const exchange = { status: 101, milliseconds, result, events, isOpen }
      setRuns((before) => withExchange(before, operation, chosen, exchange))
    }
    show(true)
    const explained = { ...operation, extensions: { authorization: true } }
    const unsubscribe = subscribe(explained, credential, {
      onResult(result) {
        events = [result, ...events].slice(0, mostEvents)
        show(true)
      },
      onEnd: () => show(false),
    })
    stop.current = () => {
      stop.current = () => {}
      unsubscribe()
      show(false)
    }
  }

  const shown = identities.flatMap(({ id, name }) => {
    const exchange = runs.exchanges.get(id)
    return exchange ? [{ name, exchange }] : []
  })
  const response = runs.exchanges.get(chosen.id)
  return (
    <>
      <header>
        <h1>Portcullis</h1>
        <p>Who may see what, and why.</p>
        <p role="status" class="unseen">
          {response ? `${chosen.name}: HTTP ${response.status}` : `${chosen.name} asks`}
        </p>
      </header>
      <main>
        <Who state={state} store={store} accounts={accounts} offers={offers} />
        <Ask
          query={query}
          given={given}
          variables={variables}
          schema={schema}
          nonce={nonce}
          problem={problem}
          history={history}
          url={url}
          canCompare={identities.length > 1}
          onQuery={setQuery}
          onReplace={(text) => {
            setQuery(text)
            setGiven({ text })
          }}
          onVariables={setVariables}
          onRun={() => run([chosen])}
          onCompare={() => run(identities)}
        />
        <ResponsePart name={chosen.name} exchange={response} onStop={() => stop.current()} />
        <Decision runs={shown} />
        <Tabs
          label="More of this request"
          tabs={[
            {
              name: 'Token',
              content: () => (
                <TokenChecks identity={chosen} accounts={accounts} explain={explain} />
              ),
            },
            { name: 'Plan', content: () => <PlanDrawing exchange={response} /> },
            {
              name: 'Graph',
              content: () => (
                <GraphGuards identity={chosen} accounts={accounts} explain={explain} />
              ),
            },
            {
              name: 'Sessions',
              content: () => (
                <Sessions
                  identity={chosen}
                  accounts={accounts}
                  send={send}
                  schema={schema}
                  events={events.get(chosen.id) ?? noEvents}
                />
              ),
            },
          ]}
        />
      </main>
    </>
  )
}

function useIdentities(store: IdentityStore): IdentityState {
  const [state, setState] = useState(store.state())
  useEffect(() => store.onChange(() => setState(store.state())), [store])
  return state
}

type SessionEvents = ReadonlyMap<string, readonly SessionEvent[]>

const noEvents: readonly SessionEvent[] = []

/** The most events that are kept of a subscription. */
const mostEvents = 50

/** Returns what has happened to the sessions of each identity, the last first. */
function useSessionEvents(
  store: IdentityStore,
  accounts: Accounts,
  subscribe: Subscribe,
): SessionEvents {
  const [events, setEvents] = useState<SessionEvents>(new Map())
  useEffect(() => {
    const onEvent = (identity: string, event: SessionEvent) =>
      setEvents((before) => {
        const next = [event, ...(before.get(identity) ?? [])].slice(0, mostEvents)
        return new Map([...before, [identity, next]])
      })
    return watchSessions({ store, accounts, subscribe, onEvent })
  }, [])
  return events
}

/** Returns the schema of the chosen identity, once it has been read. */
function useSchema(chosen: Identity, accounts: Accounts, send: SendOperation) {
  const [schema, setSchema] = useState<ReadSchema | undefined>(undefined)
  useEffect(() => {
    let isCurrent = true
    void accounts
      .credentialOf(chosen)
      .then((credential) => schemaFor(credential, send))
      .then((read) => isCurrent && setSchema(read))
    return () => void (isCurrent = false)
  }, [chosen.id])
  return schema
}

/** F2 chooses the next identity, wherever the focus is; with Shift, the one before. */
function useSwitchKey({ identities, chosen }: IdentityState, store: IdentityStore): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'F2') return
      event.preventDefault()
      const at = identities.findIndex(({ id }) => id === chosen.id) + (event.shiftKey ? -1 : 1)
      store.choose(identities.at(at % identities.length)!.id)
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [identities, chosen])
}

/** Calls `changed` when a value is another one than in the last rendering. */
function useChange(value: string, changed: () => void): void {
  const before = useRef(value)
  useEffect(() => {
    if (before.current === value) return
    before.current = value
    changed()
  }, [value])
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

/** Returns the kind of the only operation; undefined if there is none, or several. */
function kindOf({ query }: Operation): string | undefined {
  try {
    return getOperationAST(parse(query))?.operation
  } catch {
    return undefined
  }
}
