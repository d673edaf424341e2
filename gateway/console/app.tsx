/** The page: who asks, what is asked, what the graph responds, and what the gateway has decided. */
import { getOperationAST, parse } from 'graphql'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Answer } from './answer.tsx'
import { Ask } from './ask.tsx'
import { Decision } from './decision-table.tsx'
import { messageOf } from './graph.ts'
import type { Exchange, Operation, SendOperation } from './graph.ts'
import type { Identity, IdentityState, IdentityStore } from './identities.ts'
import { offersLogin } from './log-in.ts'
import type { Accounts } from './log-in.ts'
import { PlanDrawing } from './plan-drawing.tsx'
import { schemaFor } from './schema-of.ts'
import type { ReadSchema } from './schema-of.ts'
import { Sessions } from './sessions.tsx'
import type { Subscribe } from './subscribe.ts'
import { Tabs } from './tabs.tsx'
import { TokenChecks } from './token-checks.tsx'
import { watchSessions } from './watch-sessions.ts'
import type { SessionEvent } from './watch-sessions.ts'
import { Who } from './who.tsx'

export interface AppParts {
  readonly store: IdentityStore
  readonly accounts: Accounts
  readonly send: SendOperation
  readonly subscribe: Subscribe
  /** Where a credential is explained. */
  readonly tokenUrl: URL
  readonly nonce: string
}

/** One operation, and what each identity got for it. */
interface Runs {
  readonly operation: Operation | undefined
  readonly exchanges: ReadonlyMap<string, Exchange>
}

const noRuns: Runs = { operation: undefined, exchanges: new Map() }

export function App({ store, accounts, send, subscribe, tokenUrl, nonce }: AppParts) {
  const state = useIdentities(store)
  const { identities, chosen } = state
  const schema = useSchema(chosen, accounts, send)
  const [canLogIn, setCanLogIn] = useState(false)
  const [query, setQuery] = useState('{\n  __typename\n}\n')
  const [variables, setVariables] = useState('')
  const [problem, setProblem] = useState('')
  const [runs, setRuns] = useState<Runs>(noRuns)
  const events = useSessionEvents(store, accounts, subscribe)

  useEffect(() => {
    if (schema?.outcome === 'read') setCanLogIn(offersLogin(schema.schema))
  }, [schema])
  useSwitchKey(state, store)
  // Whoever switches wants to see what the other one gets.
  useChange(chosen.id, () => {
    if (runs.operation && isQuery(runs.operation)) void perform(runs.operation, [chosen])
  })

  function run(askers: readonly Identity[]): void {
    setProblem('')
    try {
      void perform({ query, variables: variablesIn(variables) }, askers)
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }

  async function perform(operation: Operation, askers: readonly Identity[]): Promise<void> {
    await Promise.all(
      askers.map(async (identity) => {
        const credential = await accounts.credentialOf(identity)
        const exchange = await send(operation, credential, { authorization: true, fetches: true })
        setRuns((before) => withExchange(before, operation, identity, exchange))
      }),
    )
  }

  const shown = identities.flatMap(({ id, name }) => {
    const exchange = runs.exchanges.get(id)
    return exchange ? [{ name, exchange }] : []
  })
  const answer = runs.exchanges.get(chosen.id)
  return (
    <>
      <header>
        <h1>Portcullis</h1>
        <p>Who may see what, and why.</p>
        <p role="status" class="unseen">
          {answer ? `${chosen.name}: HTTP ${answer.status}` : `${chosen.name} asks`}
        </p>
      </header>
      <main>
        <Who state={state} store={store} accounts={accounts} canLogIn={canLogIn} />
        <Ask
          query={query}
          variables={variables}
          schema={schema}
          nonce={nonce}
          problem={problem}
          canCompare={identities.length > 1}
          onQuery={setQuery}
          onVariables={setVariables}
          onRun={() => run([chosen])}
          onCompare={() => run(identities)}
        />
        <Answer name={chosen.name} exchange={answer} />
        <Decision runs={shown} />
        <Tabs
          label="More of this request"
          tabs={[
            {
              name: 'Token',
              content: () => <TokenChecks identity={chosen} accounts={accounts} url={tokenUrl} />,
            },
            { name: 'Plan', content: () => <PlanDrawing exchange={answer} /> },
            {
              name: 'Sessions',
              content: () => (
                <Sessions
                  identity={chosen}
                  accounts={accounts}
                  send={send}
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

/** The most events that are kept of an identity. */
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

/** A query can be sent again without being asked for. */
function isQuery({ query }: Operation): boolean {
  try {
    return getOperationAST(parse(query))?.operation === 'query'
  } catch {
    return false
  }
}

function variablesIn(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`The variables are not JSON: ${messageOf(cause)}`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new Error('The variables are not an object: write { "name": value }')
}
