// What the ladders say: each rung as a multiple of the first, the step to it, and whose part the steps are.

import { multiples, rounded } from '../report.mjs';
import { interval, median } from '../statistics.mjs';
import { BARGATE, PARTS } from './ladders.mjs';

/**
 * @param {import('./ladders.mjs').Ladder} ladder
 * @param {Record<string, number[]>} measured
 * @param {import('../rows.mjs').Target[]} targets
 */
export function climbed({ name, title, unit = 'us', rungs }, measured, targets) {
  const [first] = rungs;
  const titleOf = (wanted) => rungs.find((rung) => rung.name === wanted).title;
  let below = 0;
  const lines = rungs.map((rung) => {
    const ratios = multiples(measured[rung.name], measured[first.name]);
    const ratio = twoDigits(median(ratios));
    const step = rung.whose ? { whose: rung.whose, step: twoDigits(ratio - below) } : {};
    if (rung.whose) below = ratio;
    const limits = targets.filter(({ of, to }) => of === rung.name && rungs.some(({ name }) => name === to));
    const atMost = limits.map(({ to, most }) => ({ most, ...(to === first.name ? {} : { of: titleOf(to) }) }));
    return {
      name: rung.name,
      title: rung.title,
      median: rounded(median(measured[rung.name]), 4),
      ratio,
      interval: interval(ratios).map(twoDigits),
      ...step,
      ...(atMost.length ? { at_most: atMost } : {}),
    };
  });
  return { name, title, unit, rungs: lines };
}

const twoDigits = (number) => Number(number.toFixed(2));

/** Returns the cells of a ladder's table, its head first. */
function cellsOf({ unit, rungs }) {
  const head = ['', unit === 'us' ? 'µs' : unit, '× the first', '95 % sure', 'step', 'whose', 'at most'];
  const rows = rungs.map(
    ({ title, median: middle, ratio, interval: ends, step, whose, at_most: limits = [] }, index) => [
      `${step !== undefined && index > 0 ? '+ ' : ''}${title}`,
      String(middle),
      ratio.toFixed(2),
      ends.map((one) => one.toFixed(2)).join(' to '),
      step === undefined ? '–' : `${step < 0 ? '−' : '+'}${Math.abs(step).toFixed(2)}`,
      whose ?? '–',
      limits.map(({ most, of }) => (of ? `${most} × ${of}` : String(most))).join('; '),
    ],
  );
  return [head, ...rows];
}

/** Says of each rung of Bargate, which come last, whose parts add up to it. */
function sumsOf({ rungs }) {
  const steps = rungs.filter(({ whose }) => whose);
  const last = steps.findLastIndex(({ whose }) => whose !== BARGATE);
  return steps.slice(last + 1).map(({ title, ratio }, index) => {
    const below = steps.slice(0, last + 2 + index);
    const parts = PARTS.map((part) => {
      const sum = below.filter(({ whose }) => whose === part).reduce((all, { step }) => all + step, 0);
      return `${sum.toFixed(2)} ${part}`;
    });
    return `${title}: ${ratio.toFixed(2)} = ${parts.join(' + ')}`.replaceAll('+ -', '− ');
  });
}

/** Returns ladders as people read them. */
export function printed(ladders) {
  return ladders
    .flatMap((ladder) => {
      const cells = cellsOf(ladder);
      const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
      const lines = cells.map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column]))
          .join('  ')
          .trimEnd(),
      );
      return [`\n${ladder.title}`, ...lines, ...sumsOf(ladder)];
    })
    .join('\n');
}

/** Returns, as lines of a page, what each thing adds to the upload. */
export function sizesTable(rungs) {
  const rows = rungs.map(({ title, kib }, index) => {
    const step = kib - (rungs[index - 1]?.kib ?? 0);
    return `| ${index > 0 ? '+ ' : ''}${title} | ${kib.toFixed(1)} | ${step < 0 ? '−' : '+'}${Math.abs(step).toFixed(1)} |`;
  });
  return ['### The upload', '', '|  | KiB, gzip | step |', '| --- | --- | --- |', ...rows, ''];
}

/** Returns ladders as a part of a page. */
export function asPage({ ladders, sizes, date, versions, isNoisy }) {
  const noisy = isNoisy ? ' The machine was not quiet: these figures are rough.' : '';
  const tables = ladders.flatMap((ladder) => {
    const [head, ...rows] = cellsOf(ladder).map((cells) => `| ${cells.join(' | ')} |`);
    const rule = `| ${cellsOf(ladder)[0]
      .map(() => '---')
      .join(' | ')} |`;
    return [`### ${ladder.title}`, '', head, rule, ...rows, '', ...sumsOf(ladder).map((line) => `- ${line}`), ''];
  });
  return [
    ...tables,
    ...sizesTable(sizes),
    `Measured on ${date.slice(0, 10)} with workerd ${versions.workerd}.${noisy}`,
  ].join('\n');
}
