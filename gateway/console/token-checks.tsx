/** How the gateway judges the credential of an identity, and the claims that each subgraph receives. */
import { useEffect, useState } from 'preact/hooks'
import type { Credential } from './credential.ts'
import type { Explained, RequestExplanation } from './explanations.ts'
import type { Identity } from './identities.ts'
import { messageOf } from './graph.ts'
import { Json } from './json.tsx'
import type { Accounts } from './log-in.ts'

/** What the gateway says of a credential: see explain-credential.ts of the gateway. */
interface CredentialExplanation {
  readonly decision: string
  readonly message?: string
  readonly checks: readonly {
    readonly check: string
    readonly verdict: 'passed' | 'failed' | 'not looked at'
    readonly reason?: string
    readonly detail: string
  }[]
  readonly payload?: Readonly<Record<string, unknown>>
  /** Of the subgraph null: all others. */
  readonly forwardedClaims: readonly {
    readonly subgraph: string | null
    readonly claims: Readonly<Record<string, unknown>> | null
  }[]
}

export interface TokenChecksProps {
  readonly identity: Identity
  readonly accounts: Accounts
  readonly explain: RequestExplanation
}

/** The part "Token". */
export function TokenChecks({ identity, accounts, explain }: TokenChecksProps) {
  const [judged, setJudged] = useState<Explained<CredentialExplanation> | undefined>(undefined)
  const [tries, setTries] = useState(0)
  useEffect(() => {
    let isCurrent = true
    setJudged(undefined)
    if (identity.kind !== 'nobody') {
      void accounts
        .credentialOf(identity)
        .then((credential) =>
          explain<CredentialExplanation>('token', credential, questionAbout(credential)),
        )
        .catch((cause: unknown) => ({ outcome: 'refused', why: messageOf(cause) }) as const)
        .then((next) => isCurrent && setJudged(next))
    }
    return () => void (isCurrent = false)
  }, [identity.id, tries])

  if (identity.kind === 'nobody') {
    return <p class="hint">Nobody has no token: subgraphs receive an anonymous caller.</p>
  }
  if (!judged) return <p class="hint">The gateway checks the token.</p>
  if (judged.outcome === 'refused') return <p class="problem">{judged.why}</p>
  const { decision, message, checks, payload, forwardedClaims } = judged.value
  const isAccepted = decision === 'accepted'
  return (
    <>
      <p class={`verdict ${isAccepted ? 'allowed' : 'denied'}`}>
        <span aria-hidden="true">{isAccepted ? '✓' : '✗'}</span> {decision}
        {message && `: ${message}`}
      </p>
      <Expiry seconds={payload?.['exp']} />
      <p class="actions">
        <button type="button" onClick={() => setTries(tries + 1)}>
          Check again
        </button>
      </p>
      <div class="columns">
        <div>
          <h3>Checks</h3>
          <ol class="checks">
            {checks.map(({ check, verdict, reason, detail }) => (
              <li key={check} class={verdict.replaceAll(' ', '-')}>
                <span aria-hidden="true">{marks[verdict]}</span> <b>{check}</b>{' '}
                <span class="unseen">{verdict}</span> {reason && <code>{reason}</code>}{' '}
                <small>{detail}</small>
              </li>
            ))}
          </ol>
        </div>
        <div>
          <h3>Claims of the token</h3>
          <Json label="Claims of the token" value={payload} />
          <h3>Claims that subgraphs receive</h3>
          {forwardedClaims.map(({ subgraph, claims }) => (
            <div key={subgraph ?? ''}>
              <h4>{subgraph ?? 'every other subgraph'}</h4>
              <Json label={`Claims for ${subgraph ?? 'every other subgraph'}`} value={claims} />
            </div>
          ))}
        </div>
      </div>
    </>
  )
}

/** The page cannot read a cookie: the gateway explains the credential of the request itself. */
function questionAbout(credential: Credential): object {
  return credential.kind === 'bearer' ? { credential: credential.token } : {}
}

const marks = { passed: '✓', failed: '✗', 'not looked at': '–' } as const

/** How long the token is still valid, while one looks. */
function Expiry({ seconds }: { seconds: unknown }) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  if (typeof seconds !== 'number') return null
  const left = Math.round(seconds - now / 1_000)
  return <p class="hint">{left > 0 ? `It expires in ${left} s.` : `It expired ${-left} s ago.`}</p>
}
