// Draws the diagrams of a page, which are text in its source. The library is loaded only by pages that have one.

(() => {
  const sources = [...document.querySelectorAll('code.mermaid')];
  if (sources.length === 0) return;
  const beside = document.currentScript.src;
  const root = document.documentElement;
  const texts = sources.map((code) => code.textContent);
  const places = sources.map((code) => {
    const place = document.createElement('div');
    place.className = 'diagram';
    code.parentElement.replaceWith(place);
    return place;
  });
  const isDark = () => ['navy', 'coal', 'ayu'].some((name) => root.classList.contains(name));

  let drawn;
  async function draw() {
    if (drawn === isDark()) return;
    drawn = isDark();
    window.mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', theme: drawn ? 'dark' : 'neutral' });
    for (const [index, place] of places.entries()) {
      const { svg } = await window.mermaid.render(`diagram-${index}-${drawn}`, texts[index]);
      place.innerHTML = svg;
    }
  }

  const library = document.createElement('script');
  library.src = new URL('mermaid.js', beside).href;
  library.addEventListener('load', () => {
    draw();
    new MutationObserver(draw).observe(root, { attributeFilter: ['class'] });
  });
  document.head.append(library);
})();
