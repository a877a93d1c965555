// The colours of the drawings, each as [on a light page, on a dark page]. Those of text have a contrast of at least 4.5 on it, which a
// test checks; map.css has the same as variables.

export const PALETTE = {
  page: ['#ffffff', '#14181f'],
  text: ['#1a2029', '#e7eaf0'],
  soft: ['#576071', '#a3adbd'],
  line: ['#c3cad6', '#3b4453'],
  open: ['#8f5a00', '#f0b95a'],
  optional: ['#7a3fb0', '#c79bff'],
  token: ['#2456c7', '#7aa5ff'],
  session: ['#0b6e75', '#5cc8d0'],
  scopes: ['#1c7a45', '#5fd095'],
  exposed: ['#b3261e', '#ff8d85'],
  rule: ['#576071', '#a3adbd'],
  added: ['#1c7a45', '#5fd095'],
  removed: ['#b3261e', '#ff8d85'],
  changed: ['#8f5a00', '#f0b95a'],
};
