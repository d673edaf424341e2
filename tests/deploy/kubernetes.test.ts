/** The manifests in deploy/kubernetes, by the types of Kubernetes' API and by what they allow. */
import { describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'
import { runCompiled } from '../support/run-compiled.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { deployFolder, manifest, manifests, ports, processNames } from './deployed-processes.ts'
import type { DeploymentSpec, Manifest } from './deployed-processes.ts'
import { whyNot } from './missing-tools.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = join(deployFolder, 'kubernetes')

describe('the form', () => {
  test('each object has the fields of its kind, and no other', () => {
    expect(problemsOf(manifests())).toEqual([])
  })

  test('a mistyped field, a wrong type and a missing field are found', () => {
    const [deployment] = manifests().filter(({ kind }) => kind === 'Deployment')
    const broken = (change: (text: string) => string) =>
      problemsOf([JSON.parse(change(JSON.stringify(deployment))) as Manifest]).join()
    expect(broken((text) => text.replace('readinessProbe', 'readynessProbe'))).toContain(
      'readynessProbe',
    )
    expect(
      broken((text) => text.replace(/"containerPort":\d+/, '"containerPort":"http"')),
    ).toContain("'string' is not assignable to type 'number'")
    expect(broken((text) => text.replace('"selector"', '"selectors"'))).toContain('selector')
  })

  test('kustomize applies every file of the folder', () => {
    const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
      resources: string[]
    }
    const files = readdirSync(folder).filter((file) => file !== 'kustomization.yaml')
    expect([...resources].sort()).toEqual([...files, '../config'].sort())
  })
})

const withoutKubectl = whyNot('kustomize', ['kubectl'])
const testKubectl = withoutKubectl === undefined ? test : test.skip

testKubectl('kustomize gives the ConfigMap a name with a hash, and every pod one image', () => {
  const copy = scratchCopy()
  const built = spawnSync('kubectl', ['kustomize', join(copy, 'kubernetes')], { encoding: 'utf8' })
  expect(built.stderr).toBe('')
  const objects = parseAllDocuments(built.stdout).map((document) => document.toJS() as Manifest)
  expect(problemsOf(objects)).toEqual([])
  const text = JSON.stringify(
    objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'gateway'),
  )
  expect(text).toMatch(/"configMap":\{"name":"gateway-[a-z0-9]{10}"\}/)
  const images = objects
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ spec }) => (spec as DeploymentSpec).template.spec.containers[0]!.image)
  expect(new Set(images)).toEqual(new Set(['registry.example.com/portcullis:0.1.0']))
})

const scratch = scratchFolder()

/** Returns a copy of deploy/ with a composed supergraph, as docs/deployment.md makes it. */
function scratchCopy(): string {
  const copy = join(scratch, 'deploy')
  for (const name of ['kubernetes', 'config']) {
    cpSync(join(deployFolder, name), join(copy, name), { recursive: true })
  }
  const composed = spawnSync(
    process.execPath,
    runCompiled(
      'scripts/compose',
      '--config',
      join(deployFolder, 'config', 'supergraph.yaml'),
      '--output',
      join(copy, 'config', 'supergraph.graphql'),
    ),
    { encoding: 'utf8' },
  )
  if (composed.status !== 0) throw new Error(composed.stderr)
  return copy
}

describe.each(processNames)('%s', (name) => {
  const { template } = manifest<DeploymentSpec>('Deployment', name)
  const [container] = template.spec.containers

  test('fulfils the restricted standard for pods, with a read-only root', () => {
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('is probed and reached on its port', () => {
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/health', port: 'http' } },
      livenessProbe: { httpGet: { path: '/health', port: 'http' } },
      readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
      resources: { requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } },
    })
    expect(container!.ports).toContainEqual({ name: 'http', containerPort: ports[name] })
    expect(manifest('Service', name)).toMatchObject({
      selector: { 'app.kubernetes.io/name': name },
      ports: expect.arrayContaining([{ name: 'http', port: ports[name], targetPort: 'http' }]),
    })
  })

  test('loses one pod at a time to maintenance', () => {
    expect(manifest('PodDisruptionBudget', name)).toMatchObject({ maxUnavailable: 1 })
  })

  test('gets its secrets from the object of its name', () => {
    const [secret] = template.spec.volumes.filter((volume) => volume.secret)
    expect(secret?.secret?.secretName).toBe(name)
  })
})

describe('who may connect to whom', () => {
  interface Policy {
    readonly podSelector: object
    readonly policyTypes: readonly string[]
    readonly ingress?: readonly Rule[]
    readonly egress?: readonly Rule[]
  }
  interface Rule {
    readonly from?: readonly Peer[]
    readonly to?: readonly Peer[]
    readonly ports: readonly { readonly port: number }[]
  }
  interface Peer {
    readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly namespaceSelector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  }
  const policy = (name: string) => manifest<Policy>('NetworkPolicy', name)
  const peers = (rules: readonly Rule[] = []) =>
    rules.flatMap(({ from, to, ports }) =>
      ports.map(({ port }) => {
        const [peer] = from ?? to ?? []
        const labels = peer?.podSelector?.matchLabels ?? peer?.namespaceSelector?.matchLabels ?? {}
        return [Object.values(labels)[0] ?? 'anyone', port]
      }),
    )

  test('nobody, unless a policy says so', () => {
    expect(policy('nothing-by-default')).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    })
  })

  test('clients reach the gateway, the monitoring its metrics', () => {
    expect(peers(policy('gateway').ingress)).toEqual([
      ['anyone', 4000],
      ['monitoring', 9464],
    ])
    expect(peers(policy('gateway').egress)).toEqual([
      ['auth', 4001],
      ['users', 4002],
    ])
  })

  test.each(['auth', 'users'] as const)(
    'only the gateway reaches %s, which reaches PostgreSQL',
    (name) => {
      expect(peers(policy(name).ingress)).toEqual([['gateway', ports[name]]])
      expect(peers(policy(name).egress)).toEqual([['postgresql', 5432]])
    },
  )
})

/**
 * Returns what the TypeScript compiler says of the objects as values of Kubernetes' types: unknown and
 * missing fields and wrong types.
 */
function problemsOf(objects: readonly Manifest[]): string[] {
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(cache, 'manifests-'))
  try {
    const lines = objects.map(({ apiVersion, kind, ...rest }, index) => {
      const [group, version] = apiVersion.includes('/')
        ? apiVersion.split('/')
        : ['core', apiVersion]
      const type = `import('kubernetes-types/${group!.split('.')[0]}/${version}').${kind}`
      return `export const object${index}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest })}`
    })
    writeFileSync(join(scratch, 'manifests.ts'), lines.join('\n'))
    const options = {
      strict: true,
      noEmit: true,
      module: 'esnext',
      moduleResolution: 'bundler',
      types: [],
    }
    writeFileSync(
      join(scratch, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }),
    )
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    )
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', scratch], { encoding: 'utf8' })
    return stdout.split('\n').filter((line) => line.includes('error'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
