from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from clinic.api.v1.patients import Database, PatientOfPath
from clinic.storage import Visit

router = APIRouter(prefix="/visits", tags=["visits"])


class VisitIn(BaseModel):
    reason: str = Field(min_length=1, max_length=500)


class VisitOut(VisitIn):
    model_config = ConfigDict(from_attributes=True)

    id: int


@router.get("", response_model=list[VisitOut])
def list_visits(patient: PatientOfPath, session: Database) -> list[Visit]:
    found = session.scalars(select(Visit).where(Visit.patient_id == patient.id).limit(100))
    return list(found)


@router.post("", response_model=VisitOut, status_code=201)
def record_visit(wanted: VisitIn, patient: PatientOfPath, session: Database) -> Visit:
    visit = Visit(patient_id=patient.id, reason=wanted.reason)
    session.add(visit)
    session.commit()
    return visit
