import { posix } from 'node:path'
import { emptyNames } from './arrows.ts'
import type { Area } from './arrows.ts'
import type { Import } from './imports.ts'

/** Returns the imports that no arrow allows, each as a sentence. */
export function forbiddenImports(imports: readonly Import[], arrows: readonly Area[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const area = areaOf(from, arrows)
    if (area === undefined) return [`${from} belongs to no area`]
    const target = areaOf(to, arrows)
    const allowed = target === area || area.uses.some((used) => contains(used, to))
    return allowed ? [] : [`${from} imports ${to}, which ${area.area} may not`]
  })
}

function areaOf(file: string, arrows: readonly Area[]): Area | undefined {
  return arrows
    .filter(({ area }) => contains(area, file))
    .toSorted((a, b) => b.area.length - a.area.length)[0]
}

function contains(area: string, file: string): boolean {
  return file === area || file.startsWith(`${area}/`)
}

/** Returns each circle of imports once, as the way round it. */
export function importCycles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to])
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file)
    if (start !== -1) {
      cycles.push([...way.slice(start), file].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const to of targets.get(file) ?? []) visit(to, [...way, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return cycles
}

/** Returns the files and folders whose name says nothing. */
export function emptyNamesIn(files: Iterable<string>): string[] {
  return [...files].filter((file) =>
    file.split('/').some((part) => emptyNames.includes(posix.basename(part, '.ts'))),
  )
}
