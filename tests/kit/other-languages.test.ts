/** The kit's README: its examples in other languages are run as they stand there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claimsHeaderWriter, deriveClaimsKey } from '../../subgraphs/kit/index.ts'
import type { Claims } from '../../subgraphs/kit/index.ts'

const readme = readFileSync('subgraphs/kit/README.md', 'utf8')
const key = deriveClaimsKey('a secret that only these tests know about', 'reviews')
const otherKey = deriveClaimsKey('another secret that only these tests know', 'reviews')
const claims = { sub: '1', name: '山田 "太郎"\nJosé', scope: ['a', 'b'] }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-languages-'))
  writeFileSync(join(folder, 'read-claims.sh'), example('shell'))
  writeFileSync(join(folder, 'read_claims.py'), example('python'))
  writeFileSync(
    join(folder, 'main.py'),
    'import json, sys\nfrom read_claims import read_claims\n' +
      'print(json.dumps(read_claims(sys.argv[2], sys.argv[1], sys.argv[3].split(","))))\n',
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The code block after the marker of that name. */
function example(name: string): string {
  const [, code] = new RegExp(`<!-- ${name} -->\\s+\`\`\`\\w+\\n([^]*?)\n\`\`\``).exec(readme) ?? []
  if (code === undefined) throw new Error(`the README has no example named ${name}`)
  return code + '\n'
}

function header(
  caller: Claims | null,
  { subgraph = 'reviews', signer = key, now = Date.now } = {},
): string {
  return claimsHeaderWriter(subgraph, { algorithm: 'HS256', key: signer }, now)(caller)
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

interface Outcome {
  /** What was read; undefined when the header was refused. */
  claims: unknown
  complaint: string
}

function run(command: string, words: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...env } }
    execFile(command, words, options, (error, stdout, stderr) =>
      resolve({ claims: error ? undefined : JSON.parse(stdout), complaint: stderr }),
    )
  })
}

const readers: Record<string, { tools: string[]; read: (header: string) => Promise<Outcome> }> = {
  Python: {
    tools: ['python3'],
    // Two keys, as during a rotation: the one that signed is the older.
    read: (header) =>
      run('python3', ['main.py', 'reviews', header, `${text(otherKey)},${text(key)}`]),
  },
  shell: {
    tools: ['sh', 'jq', 'openssl'],
    read: (header) => run('sh', ['read-claims.sh', 'reviews', header], { CLAIMS_KEY: text(key) }),
  },
}

describe.each(Object.entries(readers))('the example in %s', (language, { tools, read }) => {
  const missing = tools.filter((tool) => !isThere(tool))
  if (missing.length > 0)
    console.log(`skipped: the example in ${language} needs ${missing.join(', ')}`)
  const check = missing.length === 0 ? test : test.skip

  check('reads the claims of a caller, in any script', async () => {
    expect((await read(header(claims))).claims).toEqual(claims)
  })

  check('tells an anonymous caller', async () => {
    const anonymous = language === 'Python' ? null : 'anonymous'
    expect((await read(header(null))).claims).toEqual(anonymous)
  })

  check.each([
    ['of another key', () => header(claims, { signer: Buffer.alloc(32, 7) })],
    ['for another subgraph', () => header(claims, { subgraph: 'users' })],
    ['that has expired', () => header(claims, { now: () => Date.now() - 120_000 })],
    ['with another payload', () => header(claims).replace(/\..*\./, '.eyJzdWIiOiIyIn0.')],
    ['that is garbage', () => 'garbage'],
  ])('refuses a header %s', async (_name, make) => {
    const { claims, complaint } = await read(make())
    expect(claims).toBeUndefined()
    expect(complaint).toMatch(/not signed|another subgraph|expired|not a claims header/)
  })
})

function isThere(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`])
    return true
  } catch {
    return false
  }
}
