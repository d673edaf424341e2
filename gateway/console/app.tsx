/** The page: who asks, what is asked, what the graph responds, and what the gateway has decided. */
import { getOperationAST, parse } from 'graphql'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ResponsePart } from './response.tsx'
import { Ask } from './ask.tsx'
import type { Credential } from './credential.ts'
import { Decision } from './decision-table.tsx'
import { Documentation } from './documentation.tsx'
import { useDrafts } from './drafts.ts'
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
import type { Subscribe } from './subscription.ts'
import { Tabs } from './tabs.tsx'
import { TokenChecks } from './token-checks.tsx'
import { watchSessions } from './watch-sessions.ts'
import type { SessionEvent } from './watch-sessions.ts'
import { readHistory, withRun } from './history.ts'
import { useChange } from './use-change.ts'
import { variablesIn } from './variables.ts'
import { Who } from './who.tsx'

export interface AppParts {
  readonly store: IdentityStore
  readonly accounts: Accounts
  /** Whether the gateway finds access tokens in cookies. */
  readonly readsCookies: boolean
  readonly send: SendOperation
  readonly subscribe: Subscribe
  readonly explain: RequestExplanation
  /** The address of the graph. */
  readonly url: URL
  readonly nonce: string
}

/** What the gateway shall explain of each operation. */
const explained = { authorization: true, plan: true, limits: true }

export function App(parts: AppParts) {
  const { store, accounts, readsCookies, send, subscribe, explain, url, nonce } = parts
  const state = useIdentities(store)
  const { identities, chosen } = state
  const schema = useSchema(chosen, accounts, send)
  const [offers, setOffers] = useState<Offers>(noOffers)
  const drafts = useDrafts(sessionStorage, location.hash)
  const { id: draft, query, variables, runs } = drafts.chosen
  const [history, setHistory] = useState(() => readHistory(sessionStorage))
  const [problem, setProblem] = useState('')
  const events = useSessionEvents(store, accounts, subscribe)

  useEffect(() => {
    if (schema?.outcome === 'read') setOffers(offersOf(schema.schema, readsCookies))
  }, [schema])
  useSwitchKey(state, store)
  // Ends the subscription that is open.
  const stop = useRef(() => {})
  useEffect(() => () => stop.current(), [])
  // A query can be sent again without being asked for: after a switch, to see what the other one gets.
  useChange(chosen.id, () => {
    stop.current()
    setProblem('')
    if (!runs.operation) return
    const [first] = runs.exchanges.values()
    if (first?.isPlanOnly) attempt(plan(runs.operation))
    else if (kindOf(runs.operation) === 'query') attempt(perform(runs.operation, [chosen]))
  })
  useChange(draft, () => {
    stop.current()
    setProblem('')
  })

  /** Shows why an identity has no credential any more. */
  function attempt(running: Promise<void>): void {
    running.catch((cause: unknown) => setProblem(messageOf(cause)))
  }

  function run(askers: readonly Identity[]): void {
    withOperation((operation) => {
      setHistory(withRun(history, query, sessionStorage))
      const isSubscription = kindOf(operation) === 'subscription'
      attempt(isSubscription ? listen(operation) : perform(operation, askers))
    })
  }

  /** Does something with what is written, if that can be sent. */
  function withOperation(action: (operation: Operation) => void): void {
    setProblem('')
    stop.current()
    try {
      action({ query, variables: variablesIn(variables) })
    } catch (cause) {
      setProblem(messageOf(cause))
    }
  }

  async function perform(operation: Operation, askers: readonly Identity[]): Promise<void> {
    await Promise.all(
      askers.map(async (identity) => {
        const credential = await accounts.credentialOf(identity)
        const show = (exchange: Exchange) => drafts.keep(draft, operation, identity, exchange)
        const extensions = { ...explained, fetches: true }
        show(await send(operation, credential, extensions, show))
      }),
    )
  }

  /** Shows how the operation would be executed. */
  async function plan(operation: Operation): Promise<void> {
    const credential = await accounts.credentialOf(chosen)
    drafts.keep(draft, operation, chosen, await planned(operation, credential))
  }

  /** Returns the plan of an operation, as it would be sent in parts. */
  async function planned(operation: Operation, credential: Credential): Promise<Exchange> {
    const extensions = { ...explained, plan: 'only' }
    return { ...(await send(operation, credential, extensions, () => {})), isPlanOnly: true }
  }

  /** Shows the results of a subscription as they come, until something else is run or another tab is chosen. */
  async function listen(operation: Operation): Promise<void> {
    const start = performance.now()
    const credential = await accounts.credentialOf(chosen)
    let events: readonly GraphResult[] = []
    let about: GraphResult['extensions'] = {}
    let isOpen = true
    const show = () => {
      const [last = {}] = events
      const result = { ...last, extensions: { ...about, ...last.extensions } }
      const milliseconds = performance.now() - start
      const exchange = { status: 101, milliseconds, result, events, isOpen }
      drafts.keep(draft, operation, chosen, exchange)
    }
    const ended = () => {
      isOpen = false
      show()
    }
    show()
    const asked = { ...operation, extensions: { authorization: true, fetches: true } }
    const unsubscribe = subscribe(asked, credential, {
      onResult(result) {
        events = [result, ...events].slice(0, mostEvents)
        show()
      },
      onEnd: ended,
    })
    let isShown = true
    stop.current = () => {
      stop.current = () => {}
      isShown = false
      unsubscribe()
      ended()
    }
    const { plan, limits } = (await planned(operation, credential)).result.extensions ?? {}
    about = { plan, limits }
    if (isShown) show()
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
          drafts={drafts}
          schema={schema}
          nonce={nonce}
          problem={problem}
          history={history}
          url={url}
          canCompare={identities.length > 1}
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
            {
              name: 'Plan',
              content: () => (
                <PlanDrawing
                  exchange={response}
                  onPlan={() => withOperation((operation) => attempt(plan(operation)))}
                />
              ),
            },
            {
              name: 'Documentation',
              content: () => <Documentation name={chosen.name} schema={schema} />,
            },
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
      .catch((cause: unknown) => ({ outcome: 'refused', why: messageOf(cause) }) as const)
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

/** Returns the kind of the only operation; undefined if there is none, or several. */
function kindOf({ query }: Operation): string | undefined {
  try {
    return getOperationAST(parse(query))?.operation
  } catch {
    return undefined
  }
}
