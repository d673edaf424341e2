/** What a browser runs: the page at `/`. */
import { render } from 'preact'
import { accountsOf } from './log-in.ts'
import { App } from './app.tsx'
import { graphAt } from './graph.ts'
import { identityStore } from './identities.ts'
import { subscriptionsAt } from './subscribe.ts'

const graphUrl = new URL('./graphql', document.baseURI)
const tokenUrl = new URL('./console/token', document.baseURI)
const send = graphAt(graphUrl)
const subscribe = subscriptionsAt(graphUrl)
const store = identityStore(sessionStorage)
const accounts = accountsOf(send, store)
const nonce = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''

render(
  <App
    store={store}
    accounts={accounts}
    send={send}
    subscribe={subscribe}
    tokenUrl={tokenUrl}
    nonce={nonce}
  />,
  document.body,
)
