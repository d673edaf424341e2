/** What a browser runs: the page at `/`. */
import { render } from 'preact'
import { accountsOf } from './log-in.ts'
import { App } from './app.tsx'
import { browserSession, noBrowserSession } from './browser-session.ts'
import { explanationsAt } from './explanations.ts'
import { graphAt } from './graph.ts'
import { identityStore } from './identities.ts'
import { credentialsOf } from './renew.ts'
import { subscriptionsAt } from './subscribe.ts'
import { claimTab } from './tab-claim.ts'

if (isSecureContext) await show().catch(sayIfBlocked)
else ask('https, or an address of this machine such as localhost')

/** Reading `sessionStorage` throws where its site may keep nothing (HTML, section 12.2.2). */
function sayIfBlocked(cause: unknown): void {
  if (!(cause instanceof DOMException) || cause.name !== 'SecurityError') throw cause
  ask('cookies and site data, which this browser blocks here')
}

function ask(needed: string): void {
  render(<p>This page needs {needed}.</p>, document.body)
}

async function show(): Promise<void> {
  const graphUrl = new URL('./graphql', document.baseURI)
  const explain = explanationsAt(new URL('./console/', document.baseURI))
  const send = graphAt(graphUrl)
  const subscribe = subscriptionsAt(graphUrl)
  const readsCookies = said('session-cookies') === 'on'
  const { locks } = navigator
  const store = identityStore({
    storage: sessionStorage,
    isCopied: (await claimTab(sessionStorage, locks)) === 'copied',
    browser: readsCookies ? browserSession(localStorage) : noBrowserSession,
  })
  const accounts = accountsOf(send, store, credentialsOf(send, store, locks), locks)

  render(
    <App
      store={store}
      accounts={accounts}
      readsCookies={readsCookies}
      send={send}
      subscribe={subscribe}
      explain={explain}
      url={graphUrl}
      nonce={said('style-nonce')}
    />,
    document.body,
  )
}

/** Returns what the gateway says to the page: see console-page.ts. */
function said(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? ''
}
