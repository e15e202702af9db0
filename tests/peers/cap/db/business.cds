// What the business services are projections of.  Names and lengths are those that SAP publishes.
namespace business;

entity PurchaseOrder {
  key PurchaseOrder          : String(10);
      CompanyCode            : String(4);
      PurchaseOrderType      : String(4);
      CreatedByUser          : String(12);
      CreationDate           : Date;
      LastChangeDateTime     : Timestamp;
      Supplier               : String(10);
      PurchasingOrganization : String(4);
      PurchasingGroup        : String(3);
      PurchaseOrderDate      : Date;
      DocumentCurrency       : String(5);
      ExchangeRate           : Decimal(9, 5);
      PurchasingProcessingStatus : String(2);
      to_PurchaseOrderItem   : Association to many PurchaseOrderItem
                                 on to_PurchaseOrderItem.PurchaseOrder = PurchaseOrder;
}

entity PurchaseOrderItem {
  key PurchaseOrder                  : String(10);
  key PurchaseOrderItem              : String(5);
      PurchasingDocumentDeletionCode : String(1);
      PurchaseOrderItemText          : String(40);
      Plant                          : String(4);
      StorageLocation                : String(4);
      MaterialGroup                  : String(9);
      Material                       : String(40);
      OrderQuantity                  : Decimal(13, 3);
      PurchaseOrderQuantityUnit      : String(3);
      OrderPriceUnit                 : String(3);
      DocumentCurrency               : String(5);
      NetPriceAmount                 : Decimal(14, 3);
      NetPriceQuantity               : Decimal(5, 0);
      TaxCode                        : String(2);
      PriceIsToBePrinted             : Boolean;
      OverdelivTolrtdLmtRatioInPct   : Decimal(3, 1);
      UnlimitedOverdeliveryIsAllowed : Boolean;
      IsReturnsItem                  : Boolean;
      IsCompletelyDelivered          : Boolean;
      IsFinallyInvoiced              : Boolean;
      AccountAssignmentCategory      : String(1);
      ItemNetWeight                  : Decimal(13, 3);
      ItemWeightUnit                 : String(3);
      PurchaseContract               : String(10);
      PurchaseRequisition            : String(10);
      RequisitionerName              : String(12);
      ManufacturerMaterial           : String(40);
      DownPaymentDueDate             : Date;
}

entity Product {
  key Product            : String(40);
      ProductType        : String(4);
      CreationDate       : Date;
      LastChangeDateTime : Timestamp;
      IsMarkedForDeletion : Boolean;
      GrossWeight        : Decimal(13, 3);
      NetWeight          : Decimal(13, 3);
      WeightUnit         : String(3);
      ProductGroup       : String(9);
      BaseUnit           : String(3);
      to_Description     : Association to many ProductDescription on to_Description.Product = Product;
}

entity ProductDescription {
  key Product            : String(40);
  key Language           : String(2);
      ProductDescription : String(40);
}

entity ProductPlant {
  key Product       : String(40);
  key Plant         : String(4);
      PurchasingGroup : String(3);
      MRPType       : String(2);
      ProfitCenter  : String(10);
}

entity Supplier {
  key Supplier             : String(10);
      SupplierName         : String(80);
      SupplierAccountGroup : String(4);
      CreationDate         : Date;
      VATRegistration      : String(20);
      DeletionIndicator    : Boolean;
}

entity CostCenter {
  key ControllingArea   : String(4);
  key CostCenter        : String(10);
  key ValidityEndDate   : Date;
      ValidityStartDate : Date;
      CompanyCode       : String(4);
      CostCenterCategory : String(1);
      Department        : String(12);
}

entity MaterialDocumentItem {
  key MaterialDocumentYear : String(4);
  key MaterialDocument     : String(10);
  key MaterialDocumentItem : String(4);
      Material             : String(40);
      Plant                : String(4);
      StorageLocation      : String(4);
      GoodsMovementType    : String(3);
      Supplier             : String(10);
      PurchaseOrder        : String(10);
      PurchaseOrderItem    : String(5);
      QuantityInEntryUnit  : Decimal(13, 3);
      EntryUnit            : String(3);
      TotalGoodsMvtAmtInCCCrcy : Decimal(14, 3);
      CompanyCodeCurrency  : String(5);
      CostCenter           : String(10);
}

entity SupplierInvoice {
  key SupplierInvoice        : String(10);
  key FiscalYear             : String(4);
      CompanyCode            : String(4);
      DocumentDate           : Date;
      PostingDate            : Date;
      InvoicingParty         : String(10);
      DocumentCurrency       : String(5);
      InvoiceGrossAmount     : Decimal(14, 3);
}

entity GLAccountLineItem {
  key SourceLedger                : String(2);
  key CompanyCode                 : String(4);
  key FiscalYear                  : String(4);
  key AccountingDocument          : String(10);
  key LedgerGLLineItem            : String(6);
  key Ledger                      : String(2);
      GLAccount                   : String(10);
      CostCenter                  : String(10);
      CompanyCodeCurrency         : String(5);
      AmountInCompanyCodeCurrency : Decimal(23, 3);
      BaseUnit                    : String(3);
      Quantity                    : Decimal(23, 3);
      DebitCreditCode             : String(1);
      PostingDate                 : Date;
      DocumentDate                : Date;
}

// One column of each type; the first rows hold the largest, the smallest and no values.
entity EveryType {
  key ID           : UUID;
      Number       : Integer;
      Text         : String(40);
      LongText     : LargeString;
      Flag         : Boolean;
      Byte         : UInt8;
      Int16        : Int16;
      Int32        : Int32;
      Int64        : Int64;
      Amount       : Decimal(15, 2);
      Quantity     : Decimal(13, 3);
      FloatingPoint : Double;
      Day          : Date;
      TimeOfDay    : Time;
      Moment       : DateTime;
      ExactMoment  : Timestamp;
      Reference    : UUID;
      Octets       : Binary(20);
}
