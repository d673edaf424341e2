/** What a browser runs: the page at `/`. */
import { render } from 'preact'
import { accountsOf } from './log-in.ts'
import { App } from './app.tsx'
import { explanationsAt } from './explanations.ts'
import { graphAt } from './graph.ts'
import { identityStore } from './identities.ts'
import { subscriptionsAt } from './subscribe.ts'

const graphUrl = new URL('./graphql', document.baseURI)
const explain = explanationsAt(new URL('./console/', document.baseURI))
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
    explain={explain}
    url={graphUrl}
    nonce={nonce}
  />,
  document.body,
)
