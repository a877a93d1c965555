// Compares the rows of a walk with the known gaps.

/**
 * Marks the rows of a walk that have a known gap. A step with a gap is expected to fail, so one that passes although it is
 * known to fail is as wrong as one that fails unexpectedly. Returns what is wrong, as sentences.
 */
export function judge({ provider, rows }, gaps) {
  const wrong = [];
  for (const row of rows) {
    const gap = gaps.find(({ steps }) => steps.includes(row.step));
    if (gap && row.outcome === 'failed' && gap.says.test(row.reason)) row.choice = gap.choice;
    else if (gap && row.outcome !== 'failed')
      wrong.push(`${provider}: "${row.step}" is known to lack ${gap.choice}, and is ${row.outcome}`);
    else if (row.outcome === 'failed') wrong.push(`${provider}: "${row.step}" fails: ${row.reason}`);
  }
  return wrong;
}
