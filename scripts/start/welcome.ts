/** The text printed when the system is running: its addresses, and commands to try. */
import { developmentAccount } from '../../subgraphs/auth/accounts/development-account.ts'

/**
 * Returns the text; every command in it can be copied into a shell unchanged.
 *
 * @param subgraphs those of the supergraph: without auth, nobody can log in through the gateway
 */
export function welcome(gateway: string, subgraphs: readonly string[]): string {
  const head = `Portcullis is running: open ${pageAddress(gateway)} in a browser. Ctrl-C stops it.

  gateway   ${gateway}
`
  const isComplete = ['auth', 'users'].every((name) => subgraphs.includes(name))
  return isComplete ? head + linesToTry(gateway) : head
}

/** Returns the address of the page. With the name, everything on it works: passkeys are bound to a domain. */
function pageAddress(gateway: string): string {
  const address = new URL('.', gateway)
  if (['127.0.0.1', '[::1]'].includes(address.hostname)) address.hostname = 'localhost'
  return address.href
}

function linesToTry(gateway: string): string {
  const { username, password } = developmentAccount
  const login = `mutation { login(username: "${username}", password: "${password}") { token expiresIn user { id } } }`
  const userData = '{ userData { id name } }'
  return `  account   ${username} / ${password}

Log in:
  ${curl('-s', gateway, login)}

The same, keeping the token:
  TOKEN=$(${curl('-s', gateway, login)} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

Read your own data with it:
  ${curl('-s', gateway, userData, 'Bearer $TOKEN')}

A bad token is refused:
  ${curl('-i', gateway, userData, 'Bearer not.a.token')}
`
}

function curl(option: string, url: string, query: string, authorization?: string): string {
  const credentials = authorization ? ` -H "authorization: ${authorization}"` : ''
  const body = JSON.stringify({ query })
  return `curl ${option} ${url} -H 'content-type: application/json'${credentials} -d '${body}'`
}
