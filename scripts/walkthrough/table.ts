/** Prints the rows of the walkthrough as a table for the terminal. */
import type { Row } from './rows.ts'
import { isTrue } from './rows.ts'

const widths = { does: 44, findings: 86 }

/** Returns the table, wrapped; each finding and each row has a mark. */
export function table(rows: readonly Row[]): string {
  return [rule(), line(' #', '', 'who', 'does', 'what happened'), rule(), ...rows.flatMap(tableRow)]
    .map((text) => text.trimEnd())
    .join('\n')
}

function tableRow(row: Row): string[] {
  const does = wrapped(row.does, widths.does)
  const findings = row.findings.flatMap(({ holds, text }) =>
    wrapped(text, widths.findings).map((part, index) =>
      index === 0 ? `${mark(holds)} ${part}` : `  ${part}`,
    ),
  )
  const height = Math.max(does.length, findings.length)
  const lines = Array.from({ length: height }, (_, index) =>
    index === 0
      ? line(String(row.step).padStart(2), mark(isTrue(row)), row.who, does[0], findings[0])
      : line('', '', '', does[index], findings[index]),
  )
  return [...lines, rule()]
}

function line(step: string, holds: string, who: string, does = '', findings = ''): string {
  return [step.padEnd(2), holds.padEnd(1), who.padEnd(7), does.padEnd(widths.does), findings].join(
    ' ',
  )
}

function rule(): string {
  return '-'.repeat(2 + 1 + 7 + widths.does + widths.findings + 6)
}

function mark(holds: boolean): string {
  return holds ? '✓' : '✗'
}

/** Breaks at spaces if there are any, otherwise where the line is full. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width)
    const end = blank > width / 2 ? blank : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, rest]
}
