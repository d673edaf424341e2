import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder of a test's own, with files written and read by name. */
export interface ProjectFolder {
  readonly path: string
  at(name: string): string
  write(name: string, text: string): void
  /** As many editors do it: a new file takes the place of the old one. */
  replace(name: string, text: string): void
  read(name: string): string
  remove(): void
}

export function projectFolder(files: Readonly<Record<string, string>> = {}): ProjectFolder {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-project-'))
  const at = (name: string) => join(path, name)
  const write = (name: string, text: string) => {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), text)
  }
  for (const [name, text] of Object.entries(files)) write(name, text)
  return {
    path,
    at,
    write,
    replace(name, text) {
      write(`${name}~`, text)
      renameSync(at(`${name}~`), at(name))
    },
    read: (name) => readFileSync(at(name), 'utf8'),
    remove: () => rmSync(path, { recursive: true }),
  }
}
