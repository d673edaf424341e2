/**
 * Who may import whom: a file may import its own area, and what its area uses. A file belongs to the
 * area that names it most closely, so `gateway/gateway.ts` is in `gateway` and `gateway/http/send.ts` in
 * `gateway/http`. gateway, auth and users never meet here: between them there is only HTTP.
 */
export interface Area {
  readonly area: string
  readonly uses: readonly string[]
}

/**
 * What every stage of the gateway may use: the error table, the contract with the subgraphs, and how
 * long work leaves turns to others.
 */
const foundations = ['gateway/errors.ts', 'gateway/turns.ts', 'subgraphs/kit']

export const arrows: readonly Area[] = [
  { area: 'tests', uses: ['gateway', 'subgraphs', 'scripts'] },
  { area: 'scripts', uses: ['gateway', 'subgraphs', 'tests'] },

  // What joins the stages; they do not know each other.
  { area: 'gateway', uses: ['gateway', 'subgraphs/kit'] },
  { area: 'gateway/authentication', uses: foundations },
  { area: 'gateway/http', uses: foundations },
  { area: 'gateway/supergraph', uses: foundations },
  { area: 'gateway/authorization', uses: foundations },
  { area: 'gateway/planning', uses: foundations },
  { area: 'gateway/execution', uses: foundations },
  // The form of gateway.yaml: it speaks the words of the stage that it configures.
  { area: 'gateway/configuration', uses: [...foundations, 'gateway/authentication'] },

  { area: 'subgraphs/auth', uses: ['subgraphs/kit', 'subgraphs/storage'] },
  { area: 'subgraphs/users', uses: ['subgraphs/kit', 'subgraphs/storage'] },
  { area: 'subgraphs/kit', uses: [] },
  { area: 'subgraphs/storage', uses: [] },
]

/** Names that say nothing about what is inside. */
export const emptyNames = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc']
