/** The examples of docs/subscriptions.md, as a page of a browser runs them. */
import { build } from 'esbuild'
import { snippets } from '../documentation/pages.ts'

export interface BrowserSnippet {
  /** The packages that it imports, or `EventSource`. */
  readonly client: string
  readonly code: string
  /** Whether it sends another access token on its open connection. */
  readonly keepsConnection: boolean
}

/** Returns the complete examples for clients: those that get access and show events. */
export function clientSnippets(): BrowserSnippet[] {
  return snippets('docs/subscriptions.md', 'js')
    .filter(({ text }) => /accessToken|EventSource/.test(text) && /\bshow\b/.test(text))
    .map(({ text }) => {
      const client = packagesOf(text).join(' and ') || 'EventSource'
      const keepsConnection = text.includes('tokenExpiresIn')
      return { client: keepsConnection ? `${client}, open` : client, code: text, keepsConnection }
    })
}

/** Returns a module that a page can load: the example, for a gateway of the test, with its packages. */
export async function moduleOf({ code }: BrowserSnippet, gateway: string): Promise<string> {
  const { host } = new URL(gateway)
  const contents = code
    .replaceAll('wss://api.example.com', `ws://${host}`)
    .replaceAll('https://api.example.com', `http://${host}`)
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: 'esm',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}

function packagesOf(code: string): string[] {
  return [...code.matchAll(/^import .* from '(.*)'$/gm)].map(([, name]) => name!)
}
