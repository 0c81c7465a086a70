import { readFileSync } from 'node:fs';
const dir = process.argv[2];
export const D = 64; const T = 16, W = D + 4 * D + 4 * (D + 1);
const load = (n) => { const b = readFileSync(`${dir}/${n}.bin`); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };
const laws = ['continuity','permanence-visible','solidity','size-change','inertia','floating','gravity-reversed','action-violation','permanence-occluded'];
const ord = load('ordinary'); const NC = ord.length / W / T;
const H = [1, 2, 4, 8];
const nh = (t) => H.filter((h) => t - h + 1 >= 4).length;
const half = (c) => Math.floor(c / 96) % 2;
export function chol(vecs, n) { // rows of n
  const N = vecs.length / n, mean = new Float64Array(n);
  for (let i = 0; i < vecs.length; i++) mean[i % n] += vecs[i] / N;
  const C = new Float64Array(n * n);
  const d = new Float64Array(n);
  for (let r = 0; r < N; r++) { for (let i = 0; i < n; i++) d[i] = vecs[r * n + i] - mean[i]; for (let i = 0; i < n; i++) { const di = d[i] / N; for (let j = 0; j <= i; j++) C[i * n + j] += di * d[j]; } }
  let tr = 0; for (let i = 0; i < n; i++) tr += C[i * n + i];
  for (let i = 0; i < n; i++) C[i * n + i] += 1e-3 * tr / n;
  const F = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) { let s = C[i * n + j]; for (let k = 0; k < j; k++) s -= F[i * n + k] * F[j * n + k]; F[i * n + j] = i === j ? Math.sqrt(s) : s / F[j * n + j]; }
  return { mean, F, n };
}
export function maha({ mean, F, n }, v, off = 0) {
  const s = new Float64Array(n); let q = 0;
  for (let i = 0; i < n; i++) { let r = v[off + i] - mean[i]; for (let j = 0; j < i; j++) r -= F[i * n + j] * s[j]; s[i] = r / F[i * n + i]; q += s[i] * s[i]; }
  return q / n;
}
const zOff = 0, imOff = (h) => D + h * D, lgOff = (h) => 5 * D + h * (D + 1);
export function resid(rec, c, t, h, std) { const at = (c * T + t) * W; const o = new Float64Array(D); for (let d = 0; d < D; d++) { const r = rec[at + d] - rec[at + imOff(h) + d]; o[d] = std ? r / Math.exp(rec[at + lgOff(h) + d] / 2) : r; } return o; }
// feature builders: each returns array of per horizon score for (rec,c,t); built from yardstick
const base = (rec, c, t) => { const at = (c * T + t) * W; const out = []; for (let h = 0; h < nh(t); h++) { let e = 0; for (let d = 0; d < D; d++) { const r = rec[at + d] - rec[at + imOff(h) + d]; e += r * r / D; } out.push(e / Math.exp(rec[at + lgOff(h) + D])); } return out; };
const perDim = (rec, c, t) => { const out = []; for (let h = 0; h < nh(t); h++) { const u = resid(rec, c, t, h, true); let e = 0; for (const x of u) e += x * x / D; out.push(e); } return out; };
function mahaFeature(std, pool = 1) {
  const models = H.map((_, h) => { const rows = []; for (let c = 0; c < NC; c++) if (half(c) === 0) for (let t = 4; t < T; t++) if (nh(t) > h) rows.push(resid(ord, c, t, h, std)); const flat = new Float64Array(rows.length * D); rows.forEach((r, i) => flat.set(r, i * D)); return chol(flat, D); });
  return (rec, c, t) => { const out = []; for (let h = 0; h < nh(t); h++) out.push(maha(models[h], resid(rec, c, t, h, std))); return out; };
}

const sorted = (a) => Float64Array.from(a).sort();
const sets = { ord, ...Object.fromEntries(laws.map(l => [l, load('v-'+l)])) };
const firsts = Object.fromEntries(laws.map(l => [l, load('first-'+l)]));
// precomputed: e[h], E[h]
const pre = Object.fromEntries(Object.entries(sets).map(([k, rec]) => { const N = rec.length/W/T; const e = new Float32Array(N*T*4), E = new Float32Array(N*T*4), P = new Float32Array(N*T*4);
 for (let i=0;i<N*T;i++) for (let h=0;h<4;h++) { let s=0,p=0; for (let d=0;d<D;d++){const r=rec[i*W+d]-rec[i*W+imOff(h)+d]; s+=r*r/D; p+=r*r/Math.exp(rec[i*W+lgOff(h)+d])/D;} e[i*4+h]=s; E[i*4+h]=Math.exp(rec[i*W+lgOff(h)+D]); P[i*4+h]=p; } return [k,{N,e,E,P}]; }));
const hs = (t) => nh(t);
// errors feature arrays f(set,c,t)-> array
const quant = (a,q) => { const s=sorted(a); return s[Math.min(s.length-1,Math.ceil(q*s.length)-1)]; };
function scalesOf(f, q) { const y=H.map(()=>[]); for (let c=0;c<NC;c++) if(half(c)===0) for(let t=4;t<T;t++) f('ord',c,t).forEach((v,h)=>y[h].push(v)); return y.map(a=>quant(a,q)); }
export function test(name, score, groupOf = (t) => nh(t)) {
  // score(set,c,t) number
  const g = new Map();
  for (let c=0;c<NC;c++) if (half(c)===1) for (let t=4;t<T;t++) { const k=groupOf(t); if(!g.has(k)) g.set(k,[]); g.get(k).push(score('ord',c,t)); }
  const thr = new Map([...g].map(([k,a])=>{const s=sorted(a); const m=Math.floor(1e-3*(s.length+1)); return [k, m>0? s[s.length-m]: Infinity];}));
  const line=[];
  for (const law of laws) { const first=firsts[law]; let found=0,total=0,f3=0,t3=0; for(let c=0;c<200;c++){const s=first[c]; if(s<4) continue; total++; let hit=false; for(let t=s;t<Math.min(T,s+3);t++) if (score(law,c,t)>=thr.get(groupOf(t))) hit=true; if(hit)found++; if(s<=13){t3++; if(hit) f3++;}} line.push(law.slice(0,5)+law.slice(-3)+' '+(100*found/total).toFixed(1)+(law==='solidity'?` [${(100*f3/t3).toFixed(1)} of ${t3}]`:'')); }
  console.log(name.padEnd(28), line.join('  '));
}
export const ratio = (set,c,t) => { const p=pre[set], out=[]; for(let h=0;h<nh(t);h++) out.push(p.e[(c*T+t)*4+h]/p.E[(c*T+t)*4+h]); return out; };
export const pd = (set,c,t) => { const p=pre[set], out=[]; for(let h=0;h<nh(t);h++) out.push(p.P[(c*T+t)*4+h]); return out; };
export { pre, nh, scalesOf, quant, sorted, half, NC, T, W, H, sets, laws, firsts, imOff, lgOff, load };
